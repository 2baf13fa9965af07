"""One file per resource; an `{...:id}` in a path holds no colon: `/v1/jobs/{id}:cancel` is a path of its own."""

from starlette.convertors import StringConvertor, register_url_convertor


class IdConvertor(StringConvertor):
    """A part of a path that names a thing."""

    regex = "[^/:]+"


register_url_convertor("id", IdConvertor())
