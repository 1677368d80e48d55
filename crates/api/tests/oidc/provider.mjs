// A provider of OpenID Connect: the npm package oidc-provider, which is certified. Whoever comes
// with the cookie `who` is signed in by that name; groups by name stand below. Prints its issuer
// when it listens. The packages are found through `OIDC_FOLDER`.

import { createServer } from "node:http";

const { default: Provider } = await import(
  `${process.env.OIDC_FOLDER}/node_modules/oidc-provider/lib/index.js`
);

const GROUPS = { anna: ["dba", "all"], ben: ["all"], carla: [] };

const server = createServer((request, response) => handle(request, response));
await new Promise((listening) => server.listen(0, "127.0.0.1", listening));
const issuer = `http://127.0.0.1:${server.address().port}`;

const provider = new Provider(issuer, {
  clients: [
    {
      client_id: "pgkeep",
      client_secret: "swordfish-of-the-test",
      redirect_uris: ["https://localhost:8443/api/v1/sign-in/oidc/callback"],
    },
  ],
  scopes: ["openid", "profile", "groups"],
  claims: { openid: ["sub"], profile: ["preferred_username"], groups: ["groups"] },
  conformIdTokenClaims: false,
  pkce: { required: () => true },
  cookies: { keys: ["of the test"] },
  features: { devInteractions: { enabled: false } },
  findAccount: (_, id) => ({
    accountId: id,
    claims: () => ({ sub: id, preferred_username: id, groups: GROUPS[id] ?? [] }),
  }),
  interactions: { url: (_, interaction) => `/enter/${interaction.uid}` },
  loadExistingGrant: async (context) => {
    const { client, session } = context.oidc;
    const grant = new context.oidc.provider.Grant({
      clientId: client.clientId,
      accountId: session.accountId,
    });
    grant.addOIDCScope("openid profile groups");
    await grant.save();
    return grant;
  },
});

const callback = provider.callback();

async function handle(request, response) {
  if (!request.url.startsWith("/enter/")) return callback(request, response);
  const who = /(?:^|; )who=([a-z]+)/.exec(request.headers.cookie ?? "")?.[1];
  const result = who
    ? { login: { accountId: who } }
    : { error: "access_denied", error_description: "nobody came" };
  try {
    const options = { mergeWithLastSubmission: false };
    await provider.interactionFinished(request, response, result, options);
  } catch (error) {
    console.error(error);
    response.writeHead(500).end();
  }
}

process.stdin.resume().on("end", () => process.exit(0));
console.log(issuer);
