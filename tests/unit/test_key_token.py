"""The text of an API key and what is stored of it."""

from __future__ import annotations

import secrets

import pytest

from lib.access.key_record import EarlierSecret, KeyRecord, KeyTerms, changed, decode, encode, revoked, rotated
from lib.access.key_token import SECRET_BYTES, new_token, read_token
from lib.errors import Conflict
from lib.kv.keys import Keys
from tests.support.clock import START

KEYS = Keys("aig", "hash secret")
NOW = int(START)
RECORD = KeyRecord(
    id="0123456789abcdef",
    user_id="änn",
    hash="h0",
    created_at=NOW,
    terms=KeyTerms(name="x", tier="pro", daily_budget_micro_usd=0, models=("openai/gpt-4o",), tags=("t",)),
)


def test_a_key_has_a_public_id_and_a_secret_of_at_least_192_bits() -> None:
    token = new_token(secrets.token_hex)
    text = token.text(KEYS)
    assert text.startswith(f"aig_{token.id}_{token.secret}")
    assert len(bytes.fromhex(token.secret)) == SECRET_BYTES >= 24
    assert read_token(text, KEYS) == token
    assert new_token(secrets.token_hex) != token


def test_neither_the_secret_nor_its_hash_shows_where_a_key_is_printed() -> None:
    token = new_token(secrets.token_hex)
    assert token.secret not in repr(token)
    assert token.hash not in repr(KeyRecord(id="i", user_id="u", hash=token.hash, created_at=0))


@pytest.mark.parametrize("position", [5, 25, 50, 70, -1])
def test_a_key_with_one_character_changed_is_known_to_be_wrong_without_asking_anyone(position: int) -> None:
    text = new_token(secrets.token_hex).text(KEYS)
    other = "0" if text[position] != "0" else "1"
    changed_text = text[:position] + other + (text[position + 1 :] if position != -1 else "")
    assert read_token(changed_text, KEYS) is None


@pytest.mark.parametrize("text", ["", "aig_", "aig__", "aig_zz_zz", "AIG_0123456789abcdef_00", "aig_" + "é" * 73])
def test_what_is_no_key_is_none(text: str) -> None:
    assert read_token(text, KEYS) is None


def test_keys_of_another_deployment_are_none_here() -> None:
    assert read_token(new_token(secrets.token_hex).text(Keys("aig", "another")), KEYS) is None


def test_a_record_is_read_back_as_it_was_written() -> None:
    for record in (RECORD, rotated(RECORD, "h1", NOW, 60), revoked(RECORD, NOW)):
        assert decode(encode(record)) == record


@pytest.mark.parametrize("text", ["", "[]", "{}", "nonsense", encode(RECORD).replace('"h0"', "1"), '{"id":"x"}'])
def test_a_damaged_record_is_none(text: str) -> None:
    assert decode(text) is None


def test_a_record_of_an_older_version_is_read_with_what_it_has() -> None:
    old = '{"id":"i","user_id":"u","hash":"h","created_at":1,"terms":{"models":[]}}'
    assert decode(old) == KeyRecord(id="i", user_id="u", hash="h", created_at=1)


def test_a_record_that_lost_its_list_of_models_allows_nothing_rather_than_all() -> None:
    assert decode(encode(RECORD).replace('"models"', '"modelz"')) is None


def test_an_old_secret_is_valid_until_its_overlap_ends() -> None:
    record = rotated(RECORD, "h1", NOW, 60)
    assert [record.knows(one, NOW + 59) for one in ("h0", "h1", "h2")] == [True, True, False]
    assert [record.knows(one, NOW + 60) for one in ("h0", "h1", "h2")] == [False, True, False]


def test_rotating_again_keeps_every_secret_within_its_overlap_and_shortens_what_is_longer_than_the_new_one() -> None:
    record = rotated(rotated(RECORD, "h1", NOW, 3_600), "h2", NOW + 1, 60)
    assert record.earlier == (EarlierSecret("h0", NOW + 61), EarlierSecret("h1", NOW + 61))
    assert rotated(record, "h3", NOW + 2, 0).earlier == ()


def test_secrets_do_not_pile_up() -> None:
    record = RECORD
    for number in range(1, 5):
        record = rotated(record, f"h{number}", NOW, 60)
    with pytest.raises(Conflict):
        rotated(record, "h5", NOW, 60)
    assert rotated(record, "h5", NOW, 0).hash == "h5"
    assert rotated(record, "h5", NOW + 60, 60).hash == "h5"


def test_a_revoked_key_knows_no_other_end() -> None:
    gone = revoked(rotated(RECORD, "h1", NOW, 3_600), NOW + 5)
    assert (gone.status(NOW + 6), gone.earlier, revoked(gone, NOW + 9)) == ("revoked", (), gone)
    with pytest.raises(Conflict) as caught:
        rotated(gone, "h2", NOW, 0)
    assert (caught.value.status, caught.value.code) == (409, "key_revoked")
    with pytest.raises(Conflict):
        changed(gone, KeyTerms())


def test_a_key_expires_at_the_second_it_says() -> None:
    record = changed(RECORD, KeyTerms(expires_at=NOW + 10))
    assert [record.status(NOW + 9.9), record.status(NOW + 10)] == ["active", "expired"]


@pytest.mark.parametrize(
    ("record", "days"),
    [
        (RECORD, 400),
        (changed(RECORD, KeyTerms(expires_at=NOW + 86_400)), 31),
        (revoked(RECORD, NOW), 30),
        (revoked(changed(RECORD, KeyTerms(expires_at=NOW + 86_400)), NOW), 30),
    ],
)
def test_a_key_can_be_looked_up_for_a_month_after_its_end_and_for_400_days_unused(record: KeyRecord, days: int) -> None:
    assert record.kept_seconds(NOW) == days * 86_400


def test_a_record_that_should_be_gone_is_kept_for_a_moment() -> None:
    assert revoked(RECORD, NOW).kept_seconds(NOW + 90 * 86_400) == 60
