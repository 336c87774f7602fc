"""The passwords that are tried first, of eight characters and more, without case."""

from __future__ import annotations

__all__ = ["COMMON_PASSWORDS"]

_WORDS = """
12345678 123456789 1234567890 12345678910 123123123 12341234 11223344 87654321 987654321 0987654321
123454321 0123456789 147258369 159753456 741852963 789456123 123321123 1q2w3e4r 1q2w3e4r5t 1qaz2wsx
1qazxsw2 1qaz2wsx3edc zaq12wsx zaq1zaq1 q1w2e3r4 q1w2e3r4t5 qwer1234 qwerty12 qwerty123 qwerty1234
qwertyui qwertyuiop qwertz123 qwertzuiop azertyuiop asdfasdf asdfghjk asdfghjkl asdf1234 zxcvbnm123
zxcvbnm1 qazwsxedc qweasdzxc 1234qwer password password1 password12 password123 password1234
password1! password! passw0rd passw0rd1 p@ssw0rd p@ssword p@ssw0rd1 p@ssw0rd! pa55word pa55w0rd
passwort passwort1 passwort123 motdepasse contrasena letmein1 letmein123 welcome1 welcome12
welcome123 welcome1! changeme changeme1 changeme123 changeit default1 administrator admin123
admin1234 admin12345 admin@123 adminadmin rootroot toor1234 testtest test1234 testing123 testuser
demo1234 demodemo guest123 user1234 username secret123 secretsecret topsecret supersecret s3cr3t123
trustno1 iloveyou iloveyou1 iloveyou2 ilovegod sunshine sunshine1 princess princess1 football
football1 baseball baseball1 basketball superman superman1 batman123 spiderman starwars starwars1
dragon123 monkey123 master123 michael1 jennifer jessica1 charlie1 computer computer1 internet
internet1 whatever whatever1 liverpool chelsea1 arsenal1 mustang1 corvette ferrari1 mercedes
samsung1 samantha victoria elizabeth alexander christian benjamin jonathan nicholas patricia
caroline danielle stephanie butterfly chocolate cookie123 pokemon1 minecraft fortnite summer2023
summer2024 summer2025 summer2026 winter2023 winter2024 winter2025 winter2026 spring2025 spring2026
autumn2025 autumn2026 january1 february november december abcd1234 abc12345 abcdefgh abcdefghi
abcdefg1 a1b2c3d4 aa123456 aa12345678 a123456789 a12345678 qq123456 qwe12345 1234abcd 123456abc
123456qwerty 123qweasd 123qwe123 hello123 hello1234 helloworld google123 facebook linkedin dropbox1
adobe123 photoshop mypassword mypassword1 yourpassword nopassword newpassword oldpassword password2
password3 password11 password99 correcthorsebatterystaple mintmark mintmark1 mintmark123
jsonwebtoken openidconnect
"""

COMMON_PASSWORDS = frozenset(_WORDS.split())
