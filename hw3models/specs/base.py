"""What all specs and reports share: frozen, closed, JSON, with a fingerprint."""

import hashlib
import json
from typing import Any

from pydantic import BaseModel, ConfigDict, model_validator


def _lead_with_the_data(schema: dict[str, Any]) -> None:
    """Forms show fields in the schema's order, and inherited fields come first: put what matters most on top."""
    fields = schema.get("properties", {})
    leading = {name: fields[name] for name in ("data", "source") if name in fields}
    if leading:
        schema["properties"] = leading | fields


RENAMED = {"vary": "resampling", "code_size": "latent_dim", "ticket": "fencing_token"}
"""Fields of earlier versions and what they are called now: kept models, reports and deployments still have them."""


class Spec(BaseModel):
    """Frozen and closed: a misspelt field is refused by name instead of being dropped."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        use_attribute_docstrings=True,
        json_schema_extra=_lead_with_the_data,
        # An interval of one resampled split has no end; null could not be read back.
        ser_json_inf_nan="strings",
    )

    @model_validator(mode="before")
    @classmethod
    def _renamed_fields(cls, values: Any) -> Any:
        if not isinstance(values, dict) or RENAMED.keys().isdisjoint(values):
            return values
        known = {old: new for old, new in RENAMED.items() if new in cls.model_fields and new not in values}
        return {known.get(name, name): value for name, value in values.items()}

    def fingerprint(self) -> str:
        """sha256 of the canonical JSON, the first 16 hex digits."""
        # Whether it is done again says nothing about what is done.
        text = json.dumps(self.model_dump(mode="json", exclude={"fresh"}), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()[:16]


class Report(Spec):
    """What came of a step. Same rules as a spec."""
