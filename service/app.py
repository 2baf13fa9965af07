"""The web application: what is opened at start, what stands around every request, and which routes there are."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

from fastapi import Depends, FastAPI, Request
from prometheus_client import CollectorRegistry
from starlette.staticfiles import StaticFiles

from jobs.blobs import open_blobs
from jobs.database import Database
from jobs.nudges import CHANGED, listen_async
from jobs.settings import Settings
from service import answering, openapi
from service.boundary import Boundary
from service.dependencies import House
from service.entering.admission import LoginFirstError, login_of, permit
from service.entering.auth import csrf_token
from service.hints import Hints
from service.hub import LOOK_SECONDS, Hub
from service.looking import look
from service.measuring import Measured, RequestMetrics
from service.metrics import ServiceMetrics
from service.operating.listening import allowed_hosts
from service.rendering import STATIC, templates
from service.routes import (
    artifacts,
    blobs,
    datasets,
    events,
    follow_ups,
    grids,
    health,
    jobs,
    login,
    metrics,
    models,
    pages,
    reports,
    searches,
    transitions,
    workers,
)
from service.sweeping import Sweeper

VERSION = "0.1.0"
ROUTERS = (
    blobs,
    models,
    datasets,
    searches,
    jobs,
    transitions,
    follow_ups,
    grids,
    events,
    artifacts,
    reports,
    health,
    workers,
    metrics,
    login,
    pages,
)


def create_app(settings: Settings) -> FastAPI:
    """Make the application; nothing is opened before it starts. The database is migrated already."""

    registry = CollectorRegistry()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with _opened(settings) as house:
            app.state.house = house
            registry.register(ServiceMetrics(house.database, settings))
            yield

    app = FastAPI(
        title="Winnow",
        version=VERSION,
        description="Send a model and a dataset, get back a winning lottery ticket, with the evidence.",
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        # Of every route there is and will be: whoever adds one adds nothing to open it to strangers.
        dependencies=[Depends(permit)],
    )
    for module in ROUTERS:
        app.include_router(module.router)
    app.mount("/static", StaticFiles(directory=STATIC), name="static")
    answering.install(app)
    openapi.install(app)
    app.add_exception_handler(LoginFirstError, login.to_login)
    app.state.metrics = registry
    app.add_middleware(Measured, metrics=RequestMetrics(registry))
    hosts = allowed_hosts(settings.host, settings.allowed_hosts)
    app.add_middleware(Boundary, allows_host=hosts, streams=lambda path: path.startswith("/v1/blobs/"))
    return app


def _visitor(request: Request) -> dict[str, str | None]:
    """Tell every page the token its forms must carry; None where nobody has logged in."""
    secret = login_of(request)
    return {"csrf_token": None if secret is None else csrf_token(secret)}


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
    hub = Hub(partial(look, database), nudges=nudges)
    watching = asyncio.create_task(hub.run())
    hints.start()
    sweeper.start()
    try:
        yield House(
            settings=settings,
            database=database,
            blobs=open_blobs(settings),
            hub=hub,
            hints=hints,
            templates=templates(_visitor, version=VERSION),
        )
    finally:
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)
        sweeper.stop()
        hints.stop()
        database.close()
