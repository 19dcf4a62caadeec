"""The state of a leg after an event, as in the gateway's table (L15). Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime, timedelta, timezone
from typing import Any, NamedTuple

from ._items import Event

#: A live leg: the keys of docs/live-calls.md, each always present, None while unknown.
Call = dict[str, Any]

_UNKNOWN = (
    "direction",
    "from",
    "to",
    "caller_number",
    "caller_name",
    "callee_number",
    "callee_name",
    "dialled_number",
    "owner_id",
    "device_id",
    "interaction_id",
    "other_call_id",
    "parking_slot",
)
#: By the name of an event: whether it adds an unknown leg, and the state that it reports.
_EFFECTS: dict[str, tuple[bool, str | None]] = {
    "CHANNEL_CREATE": (True, None),
    "CHANNEL_PROGRESS": (True, None),
    "CHANNEL_PROGRESS_MEDIA": (True, None),
    "CHANNEL_ANSWER": (True, "answered"),
    "CHANNEL_BRIDGE": (True, "answered"),
    "CHANNEL_UNHOLD": (True, "answered"),
    "PARK_RETRIEVED": (True, "answered"),
    "CHANNEL_HOLD": (True, "held"),
    "PARK_PARKED": (True, "parked"),
    "CHANNEL_UNBRIDGE": (False, None),
    "CHANNEL_REPLACED": (False, None),
    "CHANNEL_INTERCEPTED": (False, None),
    "CHANNEL_TRANSFEROR": (False, None),
    "CHANNEL_TRANSFEREE": (False, None),
    "CHANNEL_DISCONNECTED": (False, "uncertain"),
    "RECORD_START": (False, None),
    "RECORD_STOP": (False, None),
}
_SAYS_NOTHING_NEW = frozenset({"CHANNEL_CREATE", "CHANNEL_PROGRESS", "CHANNEL_PROGRESS_MEDIA"})
_SEPARATE = frozenset({"CHANNEL_UNBRIDGE", "CHANNEL_TRANSFEROR", "CHANNEL_TRANSFEREE"})
_MOST_TEXT = 256
_MICROSECONDS = re.compile(r"[0-9]{16}")
_CLOCK = timedelta(minutes=1)
_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


class Leg(NamedTuple):
    call: Call
    #: The state of an ``uncertain`` leg before that; None where a snapshot lacked it.
    state_before: str | None = None


def reduce_call(before: Leg | None, item: Event) -> tuple[Leg | None, bool]:
    """The leg after an event, None when there is none, and whether that is a change."""
    name = item.event["Event-Name"]
    if name == "CHANNEL_DESTROY":
        return None, before is not None
    learns, state = _EFFECTS.get(name, (False, None))
    if before is None:
        leg = _learnt(item, state) if learns else None
        return leg, leg is not None
    recovers = before.call["state"] == "uncertain" and name != "CHANNEL_DISCONNECTED"
    leg = _recovered(before, item) if recovers else before
    if name not in _EFFECTS or name in _SAYS_NOTHING_NEW:
        return leg, recovers
    call = _with_fields(leg.call, name, item.event)
    changed = _with_state(Leg(call, leg.state_before), state or leg.call["state"], _time_of(item))
    changed.call["last_event_id"] = item.id
    return changed, True


def _learnt(item: Event, state: str | None) -> Leg | None:
    call_id, answer = item.event.get("Call-ID"), item.event.get("Channel-Answer-State")
    if item.account is None or not isinstance(call_id, str) or call_id == "" or answer == "hangup":
        return None
    at = _time_of(item)
    empty: Call = {
        "call_id": call_id,
        "account_id": item.account,
        "state": "ringing",
        **dict.fromkeys(_UNKNOWN),
        "recording": False,
        "created_at": _created_at(item.event, at),
        "answered_at": None,
        "state_since": at,
        "switch": None,
        "last_event_id": item.id,
    }
    call = _with_fields(empty, item.event["Event-Name"], item.event)
    return _with_state(Leg(call), state or ("answered" if answer == "answered" else "ringing"), at)


def _recovered(leg: Leg, item: Event) -> Leg:
    call = leg.call
    answered = "ringing" if call["answered_at"] is None else "answered"
    state = leg.state_before or ("parked" if call["parking_slot"] is not None else answered)
    return Leg({**call, "state": state, "state_since": _time_of(item), "last_event_id": item.id})


def _with_state(leg: Leg, state: str, at: str) -> Leg:
    """Changes the call of the leg; no other object shares it."""
    call, former = leg.call, leg.call["state"]
    if state != former:
        call["state"], call["state_since"] = state, at
    if call["answered_at"] is None and state not in ("ringing", "uncertain"):
        call["answered_at"] = at
    if state not in ("parked", "uncertain"):
        call["parking_slot"] = None
    if state != "uncertain":
        return Leg(call)
    return Leg(call, former if former != "uncertain" else leg.state_before)


def _with_fields(call: Call, name: str, fields: Mapping[str, Any]) -> Call:
    ids = fields.get("Custom-Channel-Vars")
    ids = ids if isinstance(ids, dict) else {}
    direction = fields.get("Call-Direction")
    device = _text(ids.get("Authorizing-ID")) if ids.get("Authorizing-Type") == "device" else None
    return {
        **call,
        "direction": direction if direction in ("inbound", "outbound") else call["direction"],
        # After a bridge a switch no longer sends these: the first values count.
        "from": _first(call["from"], _text(fields.get("From"))),
        "to": _first(call["to"], _text(fields.get("To"))),
        "dialled_number": _first(
            call["dialled_number"], _text(fields.get("Caller-Destination-Number")), _dialled(fields)
        ),
        "caller_number": _first(_text(fields.get("Caller-ID-Number")), call["caller_number"]),
        "caller_name": _first(_text(fields.get("Caller-ID-Name")), call["caller_name"]),
        "callee_number": _first(_text(fields.get("Callee-ID-Number")), call["callee_number"]),
        "callee_name": _first(_text(fields.get("Callee-ID-Name")), call["callee_name"]),
        "owner_id": _first(call["owner_id"], _text(ids.get("Owner-ID"))),
        "device_id": _first(call["device_id"], device),
        "interaction_id": _first(call["interaction_id"], _text(ids.get("Call-Interaction-ID"))),
        "other_call_id": _other_leg(call, name, fields),
        "parking_slot": _text(fields.get("Parking-Slot")) if name == "PARK_PARKED" else call["parking_slot"],
        "recording": name == "RECORD_START" or (name != "RECORD_STOP" and call["recording"]),
        "switch": _first(call["switch"], None if name.startswith("PARK_") else _text(fields.get("Node"))),
    }


def _other_leg(call: Call, name: str, fields: Mapping[str, Any]) -> str | None:
    if name in _SEPARATE:
        return None
    if name == "CHANNEL_REPLACED":
        return _text(fields.get("Replaced-By"))
    if name == "CHANNEL_INTERCEPTED":
        return _text(fields.get("Intercepted-By"))
    bridged = _text(fields.get("Bridge-B-Unique-ID"))
    other = None if bridged == call["call_id"] else bridged
    return _first(other, _text(fields.get("Other-Leg-Call-ID")), call["other_call_id"])


def _first(*texts: str | None) -> str | None:
    return next((text for text in texts if text is not None), None)


def _text(value: object) -> str | None:
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return str(int(value)) if value == int(value) else str(value)
    return value[:_MOST_TEXT] if isinstance(value, str) and value != "" else None


def _dialled(fields: Mapping[str, Any]) -> str | None:
    request = _text(fields.get("Request"))
    return None if request is None else _text(request.split("@")[0])


def _time_of(item: Event) -> str:
    """To the millisecond, like the times of the table."""
    at = item.ingested_at
    # As 2026-11-30T10:00:00.000000Z.
    return f"{at[:23]}Z" if at is not None and len(at) >= 24 else _rfc3339(datetime.now(timezone.utc))


def _created_at(fields: Mapping[str, Any], at: str) -> str:
    """The switch's own time of the leg's start, unless it lies in the future."""
    micros = _text(fields.get("Channel-Created-Time")) or ""
    if _MICROSECONDS.fullmatch(micros) is None:
        return at
    created = _EPOCH + timedelta(milliseconds=int(micros) // 1_000)
    return at if created > datetime.fromisoformat(at.replace("Z", "+00:00")) + _CLOCK else _rfc3339(created)


def _rfc3339(time: datetime) -> str:
    return time.isoformat(timespec="milliseconds").replace("+00:00", "Z")
