"""Whether a request may leave the machine. Fails closed.

It finds secrets (keys, private keys, tokens; passwords in connection strings, settings, flags and sentences), personal
data (e-mail, phone, card, IBAN, national ids, passport, postal address; by check digits where there are any), and the
operator's own words and patterns. Deliberately harmless: bare names, example.* addresses, placeholders, masked and
documented keys, public keys, hashes, UUIDs, failing check digits. Images are not read.
"""

from backends.privacy.gate import PrivacyGate

__all__ = ["PrivacyGate"]
