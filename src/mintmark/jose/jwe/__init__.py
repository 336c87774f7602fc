"""JSON Web Encryption (RFC 7516): bytes encrypted into text, and text decrypted back into bytes.

Decrypting proves that the content is whole, and with a shared secret that it comes from a holder of it. With
a public key anybody could have encrypted: sign first where the sender matters.
"""

from mintmark.jose.jwe.compact import Decrypted, Parts, decrypt, encrypt, parse_compact
from mintmark.jose.jwe.json_form import decrypt_json, encrypt_json

__all__ = ["Decrypted", "Parts", "decrypt", "decrypt_json", "encrypt", "encrypt_json", "parse_compact"]
