// The npm package jose behind a line protocol: one JSON request per line, one JSON answer per line, in order.
import { getListFromStatusListJWT, getStatusListFromJWT } from '@sd-jwt/jwt-status-list'
import * as jose from 'jose'
import { createInterface } from 'node:readline'

const bytes = (text) => jose.base64url.decode(text)
const text = (octets) => jose.base64url.encode(octets)
const key = (jwk, alg) => jose.importJWK(jwk, alg ?? jwk.alg, { extractable: true })
const verified = ({ payload, protectedHeader }) => ({ payload: text(payload), header: protectedHeader })
const decrypted = ({ plaintext, protectedHeader }) => ({ plaintext: text(plaintext), header: protectedHeader })
const lax = (alg) => ({ maxPBES2Count: 2_000_000, ...(alg && { keyManagementAlgorithms: [alg] }) })

const operations = {
  async generate({ alg, crv }) {
    const options = { extractable: true, ...(crv && { crv }) }
    const secret = /^(HS|A\d+(GCM|KW|CBC)|A\d+GCMKW)/.test(alg)
    if (secret) return { ...(await jose.exportJWK(await jose.generateSecret(alg, options))), alg }
    const { privateKey } = await jose.generateKeyPair(alg, options)
    return { ...(await jose.exportJWK(privateKey)), alg }
  },
  async roundTrip({ jwk, alg }) {
    return jose.exportJWK(await key(jwk, alg))
  },
  async toPem({ jwk, alg }) {
    const imported = await key(jwk, alg)
    return jwk.d || jwk.priv ? jose.exportPKCS8(imported) : jose.exportSPKI(imported)
  },
  async fromPem({ pem, alg }) {
    const options = { extractable: true }
    const isPrivate = pem.includes('PRIVATE KEY')
    return jose.exportJWK(await (isPrivate ? jose.importPKCS8 : jose.importSPKI)(pem, alg, options))
  },
  async thumbprint({ jwk }) {
    return { hash: await jose.calculateJwkThumbprint(jwk), uri: await jose.calculateJwkThumbprintUri(jwk) }
  },

  async signCompact({ payload, jwk, header }) {
    return new jose.CompactSign(bytes(payload)).setProtectedHeader(header).sign(await key(jwk, header.alg))
  },
  async verifyCompact({ token, jwk, alg }) {
    return verified(await jose.compactVerify(token, await key(jwk, alg)))
  },
  async signFlattened({ payload, jwk, header, unprotected }) {
    const signing = new jose.FlattenedSign(bytes(payload)).setProtectedHeader(header)
    if (unprotected) signing.setUnprotectedHeader(unprotected)
    return signing.sign(await key(jwk, header.alg))
  },
  async verifyFlattened({ message, jwk, alg, payload }) {
    const whole = payload === undefined ? message : { ...message, payload: bytes(payload) }
    return verified(await jose.flattenedVerify(whole, await key(jwk, alg), { crit: { b64: true } }))
  },
  async signGeneral({ payload, signers }) {
    const signing = new jose.GeneralSign(bytes(payload))
    for (const { jwk, header } of signers) {
      signing.addSignature(await key(jwk, header.alg)).setProtectedHeader(header)
    }
    return signing.sign()
  },
  async verifyGeneral({ message, jwk, alg }) {
    return verified(await jose.generalVerify(message, await key(jwk, alg)))
  },

  async encryptCompact({ plaintext, jwk, header }) {
    return new jose.CompactEncrypt(bytes(plaintext)).setProtectedHeader(header).encrypt(await key(jwk, header.alg))
  },
  async decryptCompact({ token, jwk, alg }) {
    return decrypted(await jose.compactDecrypt(token, await key(jwk, alg), lax(alg)))
  },
  async encryptGeneral({ plaintext, enc, aad, recipients }) {
    const sealing = new jose.GeneralEncrypt(bytes(plaintext)).setProtectedHeader({ enc })
    if (aad) sealing.setAdditionalAuthenticatedData(bytes(aad))
    for (const { jwk, alg } of recipients) {
      sealing.addRecipient(await key(jwk, alg)).setUnprotectedHeader({ alg, kid: jwk.kid })
    }
    return sealing.encrypt()
  },
  async decryptGeneral({ message, jwk, alg }) {
    return { plaintext: text((await jose.generalDecrypt(message, await key(jwk, alg), lax(alg))).plaintext) }
  },

  async verifyJwt({ token, jwks, issuer, audience, typ, now }) {
    const options = { issuer, audience, typ, currentDate: new Date(now * 1000) }
    const { payload, protectedHeader } = await jose.jwtVerify(token, jose.createLocalJWKSet(jwks), options)
    return { claims: payload, header: protectedHeader }
  },
  async signJwt({ claims, jwk, header }) {
    return new jose.SignJWT(claims).setProtectedHeader(header).sign(await key(jwk, header.alg))
  },

  // From a token to its status as draft-ietf-oauth-status-list 8.3 says, knowing nothing but the issuer.
  async status({ token, issuer, now }) {
    const { jwks_uri } = await (await fetch(`${issuer}/.well-known/oauth-authorization-server`)).json()
    const keys = jose.createLocalJWKSet(await (await fetch(jwks_uri)).json())
    const { idx, uri } = getStatusListFromJWT(token)
    const answer = await fetch(uri, { headers: { accept: 'application/statuslist+jwt' } })
    const list = await answer.text()
    const expected = { issuer, subject: uri, typ: 'statuslist+jwt', currentDate: new Date(now * 1000) }
    await jose.jwtVerify(list, keys, expected)
    return { status: getListFromStatusListJWT(list).getStatus(idx), type: answer.headers.get('content-type') }
  },
}

for await (const line of createInterface({ input: process.stdin })) {
  const { operation, ...given } = JSON.parse(line)
  let answer
  try {
    answer = { value: await operations[operation](given) }
  } catch (error) {
    answer = { error: error.code ?? error.name, message: error.message }
  }
  process.stdout.write(JSON.stringify(answer) + '\n')
}
