"""The pure rules of SPEC.md."""

import json
import tempfile
import unittest
from pathlib import Path
from typing import cast

from firehose_client import CallEvent, FileCursor, Firehose, FirehoseError, Login
from firehose_client._call_state import reduce_call
from firehose_client._decide import BackOff, RecentIds, after_close, after_refusal
from firehose_client._items import Event, Gap, gap_of, place_of, read_message
from firehose_client._tokens import Tokens


class Rules(unittest.TestCase):
    def test_l2_waits_with_full_jitter_between_a_tenth_and_thirty_seconds(self) -> None:
        longest = BackOff(lambda: 1.0)
        waits = [longest.next() for _ in range(12)]
        self.assertEqual(waits[:3], [0.1, 0.2, 0.4])
        self.assertEqual(waits[-1], 30.0)
        self.assertEqual(BackOff(lambda: 0.0).next(5.0), 5.0)
        longest.lived(9.9)
        self.assertEqual(longest.next(), 30.0)
        longest.lived(10.0)
        self.assertEqual(longest.next(), 0.1)

    def test_l3_a_close_or_a_refusal_says_what_to_do(self) -> None:
        kinds = {1000: "again", 1001: "again", 1006: "again", 1012: "again", 1013: "again", 4401: "login"}
        kinds |= {4408: "again", 4410: "gap", 4429: "again", 4500: "stop", 4501: "stop", 4503: "stop"}
        for code, kind in kinds.items():
            self.assertEqual(after_close(code, '{"e":"word"}').kind, kind, code)
        self.assertEqual(after_close(1000, '{"e":"replay_done"}').kind, "done")
        self.assertEqual(after_close(4503, '{"e":"revoked"}').reason, "revoked")
        self.assertEqual(after_close(4410, "not JSON").reason, "lost")
        for status, kind in {
            400: "stop",
            401: "login",
            403: "stop",
            409: "stop",
            410: "stop",
            429: "again",
            503: "again",
        }.items():
            self.assertEqual(after_refusal(status, None, None).kind, kind, status)
        self.assertEqual(after_refusal(503, None, "7").after, 7.0)
        self.assertEqual(after_refusal(503, None, "Wed, 21 Oct 2026 07:28:00 GMT").after, 1.0)

    def test_l4_a_cursor_file_holds_a_cursor_or_is_an_error(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "cursor")
            store = FileCursor(path)
            self.assertIsNone(store.load())
            store.save("abc")
            self.assertEqual(store.load(), "abc")
            path.write_text("not a cursor!")
            with self.assertRaises(ValueError):
                store.load()

    def test_l5_knows_the_last_ids_and_forgets_older_ones(self) -> None:
        recent = RecentIds(2)
        for item in "abcde":
            recent.add(item)
        self.assertEqual([item in recent for item in "abcde"], [False, False, True, True, True])

    def test_l6_reads_events_frames_and_gaps(self) -> None:
        meta = '{"id":"i","cursor":"c","account_id":"a","ingested_at":null,"traceparent":null}'
        event = read_message('{"Event-Name":"DTMF","_firehose":' + meta + "}")
        assert isinstance(event, Event)
        self.assertEqual((event.event, event.id, event.cursor), ({"Event-Name": "DTMF"}, "i", "c"))
        frame = read_message('{"_firehose":{"type":"gap","reason":"trimmed","requested":"c","missed":3}}')
        assert isinstance(frame, dict)
        gap = gap_of(frame)
        assert isinstance(gap, Gap)
        self.assertEqual((gap.reason, gap.requested, gap.missed), ("trimmed", "c", 3))
        for text in ("", "[]", "null", "{}", '{"_firehose":1}', '{"_firehose":{}}'):
            self.assertIsNone(read_message(text), text)

    def test_l13_a_snapshot_gives_a_cursor_once_it_has_ended(self) -> None:
        self.assertIsNone(place_of({"type": "snapshot_begin", "cursor": "c"}, True))
        self.assertEqual(place_of({"type": "snapshot_end", "cursor": "c"}, True), "c")
        self.assertIsNone(place_of({"type": "hello", "cursor": "c"}, True))
        self.assertEqual(place_of({"type": "hello", "cursor": "c"}, False), "c")

    def test_l15_a_leg_is_learnt_changes_and_ends(self) -> None:
        def event(name: str, **fields: object) -> Event:
            meta = {"id": name, "cursor": "c", "account_id": "a", "ingested_at": "2026-11-30T10:00:00.123456Z"}
            return Event(cast(CallEvent, {"Event-Name": name, "Call-ID": "x", **fields}), meta)

        leg, is_change = reduce_call(None, event("CHANNEL_CREATE", From="x@y"))
        assert leg is not None and is_change
        self.assertEqual((leg.call["state"], leg.call["from"]), ("ringing", "x@y"))
        self.assertEqual(leg.call["created_at"], "2026-11-30T10:00:00.123Z")
        lost, _ = reduce_call(leg, event("CHANNEL_DISCONNECTED"))
        assert lost is not None
        self.assertEqual((lost.call["state"], lost.state_before), ("uncertain", "ringing"))
        found, _ = reduce_call(lost, event("CHANNEL_CONNECTED"))
        assert found is not None
        self.assertEqual(found.call["state"], "ringing")
        self.assertEqual(reduce_call(found, event("DTMF")), (found, False))
        self.assertEqual(reduce_call(found, event("CHANNEL_DESTROY")), (None, True))
        self.assertEqual(reduce_call(None, event("RECORD_STOP")), (None, False))

    def test_l10_nothing_shows_the_password(self) -> None:
        login = Login("admin", "secret", "admin")
        firehose = Firehose("https://localhost:9443", login)
        self.assertNotIn("secret", repr(login) + repr(firehose) + repr(vars(firehose)))

    def test_a_login_asks_for_the_privacy_profile_that_it_names_and_for_none_otherwise(self) -> None:
        known = {"username": "admin", "password": "secret", "domain": "admin"}
        for login, more in (
            (Login("admin", "secret", "admin"), {}),
            (Login("admin", "secret", "admin", privacy="strict"), {"privacy": "strict"}),
        ):
            tokens = Tokens("https://localhost:9443", login, {"events": ["DTMF"]}, None)
            self.assertEqual(json.loads(vars(tokens)["_body"]), {**known, **more, "events": ["DTMF"]})

    def test_all_wrong_options_are_named_at_once(self) -> None:
        with self.assertRaises(FirehoseError) as raised:
            Firehose("localhost", Login("a", "b", "c"), events=[])
        self.assertEqual(raised.exception.code, "invalid_option")
        self.assertIn("url", str(raised.exception))
        self.assertIn("events", str(raised.exception))


if __name__ == "__main__":
    unittest.main()
