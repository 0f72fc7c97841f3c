"""Many visitors of the public page at once: python -m bench.screening [--visitors 40] [--seconds 120].

On a server of its own and an empty folder. Each visitor sends a drawn photo, waits for it to be read, asks for the
answer, and begins again at once, as no person does. What comes out as a table and as JSON: how many answers there were,
how many tries were told "busy", what else went wrong, how long an answer took from the first byte of the photo to the
advice, how long somebody at the dashboard waited for a page meanwhile, and what became of the server's memory.
"""

import asyncio
import io
import json
import os
import re
import time
from collections import Counter
from pathlib import Path
from typing import Annotated
from uuid import uuid4

import httpx
import numpy as np
import typer

from bench.server import answer, resident, started
from core.demo.lesion_images import draw_lesion

DASHBOARD = "/sign-in"
"""A page of the dashboard that asks the database and needs no session."""


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
            result = _told(sent)
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


def _told(sent: httpx.Response) -> str:
    """What a refused request was told; empty where it was let in."""
    if sent.status_code in {429, 503}:
        return "busy"
    return "" if sent.status_code == 200 else f"error: {sent.status_code} {sent.text[:80]}"


async def call(client: httpx.AsyncClient, session: str, function: int, data: list[object]) -> str:
    """What became of one call over the queue: "ok", "busy", or an error."""
    body = {"data": data, "fn_index": function, "session_hash": session}
    joined = await client.post("gradio_api/queue/join", json=body)
    if told := _told(joined):
        return told
    async with client.stream("GET", "gradio_api/queue/data", params={"session_hash": session}) as lines:
        async for line in lines.aiter_lines():
            if line.startswith("data:") and (message := json.loads(line[5:]))["msg"] == "process_completed":
                return "ok" if message["success"] else f"error: {message['output'].get('error')}"
    return "error: no answer"


async def watch(url: str, pid: int, until: float) -> tuple[list[float], list[float]]:
    """Once a second: seconds that a page of the dashboard takes, and the server's memory in MB."""
    seconds: list[float] = []
    memory: list[float] = []
    async with httpx.AsyncClient(base_url=url, timeout=60, trust_env=False) as client:
        while time.monotonic() < until:
            start = time.monotonic()
            # On an empty folder it leads on to where the first account is made.
            (await client.get(DASHBOARD, follow_redirects=True)).raise_for_status()
            seconds.append(time.monotonic() - start)
            memory.append(resident(pid))
            await asyncio.sleep(max(0.0, 1 - seconds[-1]))
    return seconds, memory


def functions_of(page: str) -> dict[str, int]:
    """The numbers that Gradio gave to reading a photo and to answering."""
    found = re.search(r"window.gradio_config = (\{.*?\});</script>", page)
    assert found, "this is not the public page"
    dependencies = json.loads(found[1])["dependencies"]
    return {
        "photo": next(one["id"] for one in dependencies if any(target[1] == "upload" for target in one["targets"])),
        "answer": next(one["id"] for one in dependencies if len(one["inputs"]) == 6),
    }


async def crowd(url: str, pid: int, visitors: int, duration: float) -> dict[str, object]:
    """Let them all in, and say what came of it."""
    address = f"{url}/screening/"
    functions = functions_of(httpx.get(address, params={"lang": "en"}, timeout=60, trust_env=False).text)
    file = io.BytesIO()
    draw_lesion(seed=7, size=1024).save(file, "JPEG", quality=90)
    alone, _ = await visit(address, file.getvalue(), time.monotonic() + 5, functions)
    until = time.monotonic() + duration
    watching = asyncio.create_task(watch(url, pid, until))
    tasks = [visit(address, file.getvalue(), until, functions) for _ in range(visitors)]
    results = await asyncio.gather(*tasks)
    pages, memory = await watching
    seconds = [one for answered, _ in results for one in answered]
    return {
        "visitors": visitors,
        "seconds": duration,
        "tries": dict(sum((counted for _, counted in results), Counter[str]())),
        "answers_per_s": round(len(seconds) / duration, 2),
        "alone_s": spread(alone),
        "answer_s": spread(seconds),
        "dashboard_page_s": spread(pages),
        "memory_mb": {
            "start": round(memory[0]),
            "middle": round(memory[len(memory) // 2]),
            "end": round(memory[-1]),
        },
    }


def spread(seconds: list[float]) -> dict[str, float]:
    """Median, 95th percentile and longest."""
    p50, p95, most = np.percentile(seconds, [50, 95, 100]).round(3).tolist() if seconds else [float("nan")] * 3
    return {"p50": p50, "p95": p95, "max": most}


def main(
    visitors: Annotated[int, typer.Option(help="How many at once.")] = 40,
    seconds: Annotated[float, typer.Option(help="For how long.")] = 120,
    out: Annotated[Path, typer.Option(help="Where the JSON goes.")] = Path(__file__).parent / "screening.json",
) -> None:
    """Measure the public page under many visitors, who all come from one address."""
    with started(screening_uploads_per_minute="100000") as (process, url):
        answer(process, f"{url}/screening/")
        measured = {"cores": os.cpu_count(), **asyncio.run(crowd(url, process.pid, visitors, seconds))}
    text = json.dumps(measured, indent=2)
    print(text)
    out.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    typer.run(main)
