"""The web application: what is opened at start, what stands around every request, and which routes there are."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

from fastapi import FastAPI
from starlette.staticfiles import StaticFiles

from jobs.blobs import BlobFolder
from jobs.database import Database
from jobs.nudges import CHANGED, listen_async
from jobs.settings import Settings
from service import openapi, problems
from service.boundary import Boundary, is_loopback
from service.dependencies import House
from service.hints import Hints
from service.hub import LOOK_SECONDS, Hub
from service.looking import look
from service.rendering import STATIC, templates
from service.routes import artifacts, blobs, datasets, events, health, jobs, models, pages, reports, searches
from service.sweeping import Sweeper

VERSION = "0.1.0"
ROUTERS = (blobs, models, datasets, searches, jobs, events, artifacts, reports, health, pages)


def create_app(settings: Settings) -> FastAPI:
    """Make the application; nothing is opened before it starts. The database is migrated already."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with _opened(settings) as house:
            app.state.house = house
            yield

    app = FastAPI(
        title="Winnow",
        version=VERSION,
        description="Send a model and a dataset, get back a winning lottery ticket, with the evidence.",
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )
    for module in ROUTERS:
        app.include_router(module.router)
    app.mount("/static", StaticFiles(directory=STATIC), name="static")
    problems.install(app)
    openapi.install(app)
    app.add_middleware(Boundary, allows_host=is_loopback, streams=lambda path: path.startswith("/v1/blobs/"))
    return app


@asynccontextmanager
async def _opened(settings: Settings) -> AsyncIterator[House]:
    """Open everything once, and close it in the opposite order."""
    settings.paths.make()
    database = Database.open(settings.database)
    hints = Hints(settings.redis_url)
    sweeper = Sweeper(database, settings, hints)
    nudges = None
    if settings.redis_url is not None:
        nudges = partial(listen_async, settings.redis_url, CHANGED, every_seconds=LOOK_SECONDS)
    hub = Hub(partial(look, database, settings.tenant), nudges=nudges)
    watching = asyncio.create_task(hub.run())
    hints.start()
    sweeper.start()
    try:
        yield House(
            settings=settings,
            database=database,
            blobs=BlobFolder(settings.paths.blobs),
            hub=hub,
            hints=hints,
            templates=templates(version=VERSION),
        )
    finally:
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)
        sweeper.stop()
        hints.stop()
        database.close()
