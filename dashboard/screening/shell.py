"""What stands around the page: the head of its HTML, the words that are seen before Gradio has arrived, its manifest.

Gradio draws its pages in the browser, so that on a slow line nothing would be seen for as long as its scripts take; its
HTML is always in English, speaks of Gradio to whoever shares the address, and names a manifest at the server's root.
"""

import re
from html import escape

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from core.guidance import words
from core.languages import ENGLISH, LANGUAGES, Language, by_code
from dashboard.screening import answers

MANIFEST = "/manifest.webmanifest"

TEAL, WHITE, NIGHT = "#0f766e", "#ffffff", "#0f191c"
"""The colour of the logo's ground, and the page's two backgrounds."""

_FOREIGN = re.compile(r'<meta\s+(?:property="og:|name="twitter:)[^>]*>\s*')
_STYLE = (
    "#first-words { max-width: 700px; margin: 0 auto; padding: 12px 16px; font: 16px/1.5 system-ui, sans-serif; }"
    "#first-words a { display: inline-block; padding: 10px 8px; color: inherit; }"
    "#first-words a[aria-current] { font-weight: 700; text-decoration: none; }"
    "@media print { body, gradio-app, .gradio-container { background: #fff !important; } }"
)
_UNTIL_GRADIO = """
new MutationObserver((_, watch) => {
    if (!document.querySelector("gradio-app h1")) return;
    document.getElementById("first-words").remove();
    watch.disconnect();
}).observe(document.body, { childList: true, subtree: true });
"""


class Shell:
    """ASGI middleware that rewrites the HTML of the pages, one a language, and passes all else on."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self.pages = {"/" if language == ENGLISH else f"/{language.code}": language for language in LANGUAGES}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, and the answer back."""
        path = scope.get("path", "").removeprefix(scope.get("root_path", "")).rstrip("/") or "/"
        language = self.pages.get(path) if scope["type"] == "http" and scope["method"] == "GET" else None
        await self.app(scope, receive, _rewriting(send, language) if language else send)


def _rewriting(send: Send, language: Language) -> Send:
    """`send` for the answer that is a page in `language`: held back until it is whole, and sent rewritten."""
    start: Message = {}
    body = bytearray()

    async def rewriting(message: Message) -> None:
        if message["type"] == "http.response.start":
            start.update(message)
            return
        body.extend(message.get("body", b""))
        if message.get("more_body"):
            return
        headers = MutableHeaders(raw=start["headers"])
        content = bytes(body)
        if headers.get("content-type", "").startswith("text/html"):
            content = in_our_words(content.decode("utf-8"), language).encode("utf-8")
            headers["Content-Length"] = str(len(content))
        await send(start)
        await send({"type": "http.response.body", "body": content})

    return rewriting


def in_our_words(page: str, language: Language) -> str:
    """Gradio's HTML with our head and first words in it."""
    page = _FOREIGN.sub("", page)
    page = page.replace('lang="en"', f'lang="{language.code}" dir="{language.direction}"', 1)
    page = page.replace('<link rel="manifest" href="/manifest.json" />', _head(language), 1)
    return page.replace("<gradio-app", f"{_first_words(language)}<gradio-app", 1)


def _head(language: Language) -> str:
    introduction = escape(language.translate(words.INTRODUCTION))
    return (
        f"<title>{escape(language.translate(words.TITLE))}</title>"
        f'<meta name="description" content="{introduction}">'
        f'<meta name="theme-color" content="{WHITE}" media="(prefers-color-scheme: light)">'
        f'<meta name="theme-color" content="{NIGHT}" media="(prefers-color-scheme: dark)">'
        '<link rel="icon" type="image/png" sizes="192x192" href="./files/icons/icon-192.png">'
        '<link rel="apple-touch-icon" href="./files/icons/maskable-512.png">'
        f'<link rel="manifest" href=".{MANIFEST}?lang={language.code}">'
        f"<style>{_STYLE}</style>"
    )


def _first_words(language: Language) -> str:
    """The page's beginning, for as long as Gradio's own is on its way."""
    beginning = answers.header(language) + answers.consent(language)
    return f'<div id="first-words">{beginning}</div><script>{_UNTIL_GRADIO}</script>'


async def manifest(request: Request) -> Response:
    """What a browser needs to install the page: one app, in the language that `lang` names."""
    language = by_code(request.query_params.get("lang", ""))
    title = language.translate(words.TITLE)
    icons = [("icon-192", "192x192", "any"), ("icon-512", "512x512", "any"), ("maskable-512", "512x512", "maskable")]
    content = {
        "id": "./",
        "name": f"{title} · DermTrail",
        "short_name": title,
        "description": language.translate(words.INTRODUCTION),
        "lang": language.code,
        "dir": language.direction,
        "start_url": answers.address(language),
        "scope": "./",
        "display": "standalone",
        "theme_color": TEAL,
        "background_color": WHITE,
        "categories": ["health", "medical"],
        "icons": [
            {"src": f"./files/icons/{name}.png", "sizes": sizes, "type": "image/png", "purpose": purpose}
            for name, sizes, purpose in icons
        ],
    }
    return JSONResponse(content, media_type="application/manifest+json", headers={"Cache-Control": "no-cache"})
