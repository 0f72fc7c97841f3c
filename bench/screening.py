"""Many visitors at once: python bench/screening.py http://127.0.0.1:8501/screening/ --visitors 40 --seconds 120.

Each sends a drawn photo, waits for it to be read, asks for the answer, and begins again. One line of JSON comes out:
how many answers there were, how many were told "busy", what else went wrong, and how long the answers took, from the
first byte of the photo to the advice.
"""

import argparse
import asyncio
import io
import json
import re
import time
from collections import Counter
from uuid import uuid4

import httpx
import numpy as np

from core.demo.lesion_images import draw_lesion


async def visit(
    address: str, photo: bytes, until: float, functions: dict[str, int]
) -> tuple[list[float], Counter[str]]:
    """One visitor's answers, in seconds each, and what became of every try."""
    seconds: list[float] = []
    outcomes: Counter[str] = Counter()
    async with httpx.AsyncClient(base_url=address, timeout=60, trust_env=False) as client:
        while time.monotonic() < until:
            start = time.monotonic()
            session = uuid4().hex[:11]
            sent = await client.post("gradio_api/upload", files={"files": ("spot.jpg", photo)})
            result = "busy" if sent.status_code in {429, 503} else ""
            if not result:
                upload = {"path": sent.json()[0], "meta": {"_type": "gradio.FileData"}}
                result = await call(client, session, functions["photo"], [upload])
            if result == "ok":
                result = await call(client, session, functions["answer"], [None] * 6)
            outcomes[result] += 1
            if result == "ok":
                seconds.append(time.monotonic() - start)
            elif result == "busy":
                await asyncio.sleep(1)
    return seconds, outcomes


async def call(client: httpx.AsyncClient, session: str, function: int, data: list[object]) -> str:
    """What became of one call over the queue: "ok", "busy", or an error."""
    body = {"data": data, "fn_index": function, "session_hash": session}
    joined = await client.post("gradio_api/queue/join", json=body)
    if joined.status_code in {429, 503}:
        return "busy"
    async with client.stream("GET", "gradio_api/queue/data", params={"session_hash": session}) as lines:
        async for line in lines.aiter_lines():
            if line.startswith("data:") and (message := json.loads(line[5:]))["msg"] == "process_completed":
                return "ok" if message["success"] else f"error: {message['output'].get('error')}"
    return "error: no answer"


async def main(address: str, visitors: int, duration: float) -> None:
    """Let them all in, and print what came of it."""
    page = httpx.get(address, params={"lang": "en"}, timeout=60, trust_env=False).text
    found = re.search(r"window.gradio_config = (\{.*?\});</script>", page)
    assert found, "this is not the public page"
    dependencies = json.loads(found[1])["dependencies"]
    functions = {
        "photo": next(one["id"] for one in dependencies if any(target[1] == "upload" for target in one["targets"])),
        "answer": next(one["id"] for one in dependencies if len(one["inputs"]) == 6),
    }
    file = io.BytesIO()
    draw_lesion(seed=7, size=1024).save(file, "JPEG", quality=90)
    until = time.monotonic() + duration
    tasks = [visit(address, file.getvalue(), until, functions) for _ in range(visitors)]
    results = await asyncio.gather(*tasks)
    seconds = np.array([one for answered, _ in results for one in answered])
    outcomes = sum((counted for _, counted in results), Counter[str]())
    p50, p95 = np.percentile(seconds, [50, 95]).round(2) if len(seconds) else (None, None)
    print(json.dumps({"visitors": visitors, "seconds": duration, "tries": outcomes, "p50_s": p50, "p95_s": p95}))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("address")
    parser.add_argument("--visitors", type=int, default=40)
    parser.add_argument("--seconds", type=float, default=120)
    given = parser.parse_args()
    asyncio.run(main(given.address, given.visitors, given.seconds))
