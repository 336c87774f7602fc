// Two services that others would write: each verifies access tokens by the issuer's published keys.
// Arguments: issuer, audience. Says its port in one line, and ends with its standard input.
import express from 'express'
import { auth, requiredScopes } from 'express-oauth2-jwt-bearer'
import { createRemoteJWKSet, errors, jwtVerify } from 'jose'

const [issuer, audience] = process.argv.slice(2)
const service = express()

const guard = auth({ issuerBaseURL: issuer, audience, strict: true })
service.get('/express', guard, requiredScopes('orders:read'), (request, response) => {
  response.json({ sub: request.auth.payload.sub })
})

const metadata = await (await fetch(`${issuer}/.well-known/oauth-authorization-server`)).json()
const keys = createRemoteJWKSet(new URL(metadata.jwks_uri))
service.get('/jose', async (request, response) => {
  const token = (request.get('authorization') ?? '').replace(/^Bearer /, '')
  try {
    const { payload } = await jwtVerify(token, keys, { issuer, audience, typ: 'at+jwt', algorithms: ['ES256'] })
    response.json({ sub: payload.sub })
  } catch (error) {
    if (!(error instanceof errors.JOSEError)) throw error
    response.status(401).json({ code: error.code })
  }
})

service.use((error, request, response, next) => {
  const code = error.code ?? String(error)
  response.status(error.status ?? 500).set(error.headers ?? {}).json({ code, said: error.message })
})

const listening = service.listen(0, '127.0.0.1', () => console.log(listening.address().port))
process.stdin.on('end', () => process.exit(0)).resume()
