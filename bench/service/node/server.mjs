// node-oidc-provider with its in-memory store, set up for the same work as ours: ES256 access tokens as JWTs
// for one resource, client secrets by Basic, rotating refresh tokens of a public client, introspection.
import { generateKeyPairSync, randomUUID } from 'node:crypto'
import Provider from 'oidc-provider'

const [port, secret, seeds] = [Number(process.argv[2]), process.argv[3], Number(process.argv[4])]
const issuer = `http://127.0.0.1:${port}`
const audience = 'https://orders.example.com'
const jwk = (kind, options, alg) => ({
  ...generateKeyPairSync(kind, options).privateKey.export({ format: 'jwk' }), alg, use: 'sig', kid: randomUUID(),
})

const provider = new Provider(issuer, {
  jwks: { keys: [jwk('ec', { namedCurve: 'P-256' }, 'ES256'), jwk('rsa', { modulusLength: 2048 }, 'RS256')] },
  cookies: { keys: [randomUUID()] },
  scopes: ['openid', 'offline_access', 'orders:read'],
  clients: [
    {
      client_id: 'job', client_secret: secret, grant_types: ['client_credentials'], redirect_uris: [], response_types: [],
    },
    {
      client_id: 'app', token_endpoint_auth_method: 'none', grant_types: ['authorization_code', 'refresh_token'],
      redirect_uris: ['https://app.example.com/callback'], response_types: ['code'], application_type: 'web',
      id_token_signed_response_alg: 'ES256',
    },
  ],
  findAccount: (_, sub) => ({ accountId: sub, claims: () => ({ sub }) }),
  features: {
    devInteractions: { enabled: false },
    clientCredentials: { enabled: true },
    introspection: { enabled: true },
    resourceIndicators: {
      enabled: true,
      useGrantedResource: () => true,
      getResourceServerInfo: () => ({
        scope: 'orders:read', audience, accessTokenFormat: 'jwt', accessTokenTTL: 600, jwt: { sign: { alg: 'ES256' } },
      }),
    },
  },
  ttl: { AccessToken: 600, ClientCredentials: 600, RefreshToken: 2592000, Grant: 7776000, IdToken: 600 },
})

async function refreshToken() {
  const client = await provider.Client.find('app')
  const accountId = randomUUID()
  const grant = new provider.Grant({ accountId, clientId: 'app' })
  grant.addOIDCScope('openid offline_access')
  grant.addResourceScope(audience, 'orders:read')
  return new provider.RefreshToken({
    accountId, client, grantId: await grant.save(), scope: 'openid offline_access orders:read', resource: audience,
    gty: 'authorization_code', authTime: Math.floor(Date.now() / 1000), claims: {}, sessionUid: randomUUID(),
  }).save()
}

const tokens = []
for (let n = 0; n < seeds; n += 1) tokens.push(await refreshToken())
const server = provider.listen(port, '127.0.0.1', () => {
  console.log(JSON.stringify({ refresh_tokens: tokens, resource: audience }))
})
process.on('SIGTERM', () => server.close(() => process.exit(0)))
process.stdin.on('end', () => process.exit(0)).resume()
