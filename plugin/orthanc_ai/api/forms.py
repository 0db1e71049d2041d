"""What a form on a page sends: all its fields, the empty ones too."""

from typing import Any

from pydantic import GetJsonSchemaHandler, model_validator
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from .views import Query


class FormQuery(Query):
    """Parameters of which an empty one is none."""

    @model_validator(mode="before")
    @classmethod
    def _empty_is_none(cls, values: Any) -> Any:
        return {name: value for name, value in values.items() if value != ""} if isinstance(values, dict) else values

    @classmethod
    def __get_pydantic_json_schema__(cls, core_schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """The description says so too."""
        schema = handler(core_schema)
        for name, field in handler.resolve_ref_schema(schema)["properties"].items():
            about = {key: field.pop(key) for key in ("description", "default", "title") if key in field}
            allowed = [*(field.pop("anyOf", None) or [dict(field)]), {"const": "", "type": "string"}]
            handler.resolve_ref_schema(schema)["properties"][name] = {**about, "anyOf": allowed}
        return schema
