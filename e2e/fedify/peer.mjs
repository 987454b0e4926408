// A server of one person and one channel, built on @fedify/fedify and on
// nothing of Kinemesh, for the end-to-end tests.
//
//   node peer.mjs --port N [--host 127.0.0.1]
//     --first-knock rfc9421|draft-cavage-http-signatures-12
//     --challenge    answer bad signatures with Accept-Signature
//     --secure       401 for an unsigned GET of an actor
//     --only rfc9421|draft-cavage   a request signed in the other scheme is seen as
//                    not signed at all, nor is what it brings
//
// Everything is steered over POST /_peer/VERB with JSON:
//   log      what has arrived since {"from"}: requests as they were, and what
//            Fedify made of them
//   follow, like, dislike, announce, delete   {"actor", "object"?, "as"?}
//   note     {"actor", "content", "inReplyTo"?}
//   undo     {"actor", "type", "object", "id"}
//   video    publishes a video of the channel, as PeerTube writes one
//   fetch    {"url", "signed"?}
//   verify   {"document"}: whose Ed25519 proof it bears
//   forward  {"document", "inbox"}: posts another's document, signed by us
import { createServer } from "node:http";
import { createFederation, generateCryptoKeyPair, MemoryKvStore } from "@fedify/fedify";
import { detachSignature, signRequest, verifyObject } from "@fedify/fedify/sig";
import * as v from "@fedify/vocab";
import { Temporal } from "@js-temporal/polyfill";

const option = (name, otherwise) => {
  const i = process.argv.indexOf("--" + name);
  return i < 0 ? otherwise : process.argv[i + 1];
};
const flag = (name) => process.argv.includes("--" + name);

const port = Number(option("port"));
const origin = `http://${option("host", "127.0.0.1")}:${port}`;
const knock = option("first-knock", "rfc9421");
const person = "bob";
const channel = "bob_channel";
const PUBLIC = v.PUBLIC_COLLECTION;

// Fedify makes RSA keys of 4096 bits, which takes seconds.
const rsa = { name: "RSASSA-PKCS1-v1_5", modulusLength: 2048, publicExponent: new Uint8Array([1, 0, 1]), hash: "SHA-256" };
const pair = async () => [await crypto.subtle.generateKey(rsa, true, ["sign", "verify"]), await generateCryptoKeyPair("Ed25519")];
const keys = { [person]: await pair(), [channel]: await pair() };
const log = [];
const objects = new Map(); // path -> raw document
const notes = new Map();
const only = option("only");
const record = (kind, extra) => log.push({ kind, ...extra });

const federation = createFederation({
  kv: new MemoryKvStore(),
  origin,
  allowPrivateAddress: true,
  firstKnock: knock,
  ...(flag("challenge") ? { inboxChallengePolicy: { enabled: true } } : {}),
  userAgent: { software: "fedify-peer/1.0", url: origin },
});

const actors = federation.setActorDispatcher("/users/{identifier}", async (ctx, id) => {
  if (!keys[id]) return null;
  const pairs = await ctx.getActorKeyPairs(id);
  const common = {
    id: ctx.getActorUri(id), preferredUsername: id, name: `Peer ${id}`, url: ctx.getActorUri(id),
    inbox: ctx.getInboxUri(id), outbox: ctx.getOutboxUri(id), followers: ctx.getFollowersUri(id),
    endpoints: new v.Endpoints({ sharedInbox: ctx.getInboxUri() }),
    publicKey: pairs[0].cryptographicKey, assertionMethods: pairs.map((k) => k.multikey),
  };
  return id === channel ? new v.Group({ ...common, attribution: ctx.getActorUri(person) }) : new v.Person(common);
}).setKeyPairsDispatcher((_ctx, id) => keys[id] ?? []);
if (flag("secure")) actors.authorize(async (ctx) => (await ctx.getSignedKeyOwner()) != null);

federation.setOutboxDispatcher("/users/{identifier}/outbox", () => ({ items: [] }));
federation.setFollowersDispatcher("/users/{identifier}/followers", () => ({ items: [] }));
federation.setObjectDispatcher(v.Note, "/users/{identifier}/notes/{id}", (_ctx, { id }) => notes.get(id) ?? null);

federation.setInboxListeners("/users/{identifier}/inbox", "/inbox")
  .setSharedKeyDispatcher(() => ({ identifier: person }))
  .on(v.Follow, async (ctx, follow) => {
    const who = await follow.getActor(ctx);
    record("verified", { type: "Follow", id: follow.id?.href, actor: who?.id?.href, object: follow.objectId?.href });
    const name = follow.objectId.pathname.split("/").pop();
    const me = ctx.getActorUri(name);
    await ctx.sendActivity({ identifier: name }, who,
      new v.Accept({ id: new URL(`#accepts/${crypto.randomUUID()}`, me), actor: me, object: follow }));
  })
  .on(v.Activity, async (_ctx, a) => { // all others: what has no listener is lost
    record("verified", { type: a.constructor.name, id: a.id?.href, actor: a.actorId?.href, object: a.objectId?.href });
  })
  .onUnverifiedActivity(async (_ctx, a, reason) => { record("unverified", { id: a.id?.href, reason: reason?.type }); })
  .onError((_ctx, e) => { record("error", { message: String(e?.stack ?? e) }); });

const classes = { follow: v.Follow, like: v.Like, dislike: v.Dislike, announce: v.Announce, delete: v.Delete };

function video(ctx) {
  const uuid = crypto.randomUUID();
  const path = `/videos/watch/${uuid}`;
  const id = origin + path;
  const now = new Date().toISOString();
  objects.set(path, {
    "@context": ["https://www.w3.org/ns/activitystreams", {
      pt: "https://joinpeertube.org/ns#", sc: "http://schema.org/", uuid: "pt:uuid", views: "pt:views", state: "pt:state",
      commentsEnabled: "pt:commentsEnabled", downloadEnabled: "pt:downloadEnabled", waitTranscoding: "pt:waitTranscoding",
      size: "pt:size", fps: "pt:fps", Hashtag: "as:Hashtag", sensitive: "as:sensitive",
    }],
    type: "Video", id, uuid, name: "A video of a peer", duration: "PT5S", views: 0, sensitive: false, state: 1,
    waitTranscoding: false, commentsEnabled: true, downloadEnabled: true, published: now, updated: now,
    to: [PUBLIC.href], cc: [ctx.getFollowersUri(person).href], tag: [], mediaType: "text/markdown", content: "From afar.",
    attributedTo: [{ type: "Person", id: ctx.getActorUri(person).href }, { type: "Group", id: ctx.getActorUri(channel).href }],
    icon: [{ type: "Image", url: `${origin}/t.jpg`, mediaType: "image/jpeg", width: 280, height: 157 }],
    likes: `${id}/likes`, dislikes: `${id}/dislikes`, shares: `${id}/announces`, comments: `${id}/comments`,
    url: [
      { type: "Link", mediaType: "text/html", href: id },
      { type: "Link", mediaType: "video/mp4", href: `${origin}/v.mp4`, height: 240, width: 320, size: 1000, fps: 25 },
    ],
  });
  for (const part of ["likes", "dislikes", "announces", "comments"]) {
    objects.set(`${path}/${part}`, {
      "@context": "https://www.w3.org/ns/activitystreams", id: `${id}/${part}`, type: "OrderedCollection", totalItems: 0, orderedItems: [],
    });
  }
  return { id, uuid };
}

async function control(ctx, verb, body) {
  if (verb === "log") return log.slice(body.from ?? 0);
  if (verb === "video") return video(ctx);
  const as = body.as ?? person;
  const me = ctx.getActorUri(as);
  const uri = (kind) => new URL(`${origin}/users/${as}/${kind}/${crypto.randomUUID()}`);
  const loader = await ctx.getDocumentLoader({ identifier: as });
  if (verb === "fetch") return (await (body.signed === false ? ctx.documentLoader : loader)(body.url)).document;
  if (verb === "verify") {
    const object = await verifyObject(v.Activity, detachSignature(body.document), { documentLoader: loader, contextLoader: ctx.contextLoader });
    return { actor: object?.actorId?.href ?? null };
  }
  if (verb === "forward") {
    const request = new Request(body.inbox, {
      method: "POST", headers: { "content-type": "application/activity+json" }, body: JSON.stringify(body.document),
    });
    const signed = await signRequest(request, keys[as][0].privateKey, new URL("#main-key", me), { spec: "rfc9421" });
    return { status: (await fetch(signed)).status };
  }
  const to = await ctx.lookupObject(body.actor, { documentLoader: loader });
  if (!to?.inboxId) throw new Error(`no actor with an inbox at ${body.actor}`);
  const object = body.object ? new URL(body.object) : to.id;
  let activity;
  if (verb === "note") {
    const id = crypto.randomUUID();
    const note = new v.Note({
      id: new URL(`${origin}/users/${as}/notes/${id}`), attribution: me, content: body.content, to: PUBLIC, ccs: [to.id],
      published: Temporal.Now.instant(), replyTarget: body.inReplyTo ? new URL(body.inReplyTo) : null,
    });
    notes.set(id, note);
    activity = new v.Create({ id: uri("creates"), actor: me, object: note, to: PUBLIC, ccs: [to.id] });
  } else if (verb === "undo") {
    activity = new v.Undo({
      id: uri("undos"), actor: me, to: PUBLIC,
      object: new v[body.type]({ id: new URL(body.id), actor: me, object }),
    });
  } else if (classes[verb]) {
    activity = new classes[verb]({ id: uri(verb + "s"), actor: me, object, tos: [PUBLIC, to.id] });
  } else {
    throw new Error(`unknown verb ${verb}`);
  }
  await ctx.sendActivity({ identifier: as }, to, activity, { preferSharedInbox: !!body.shared });
  return { sent: await activity.toJsonLd(ctx), inbox: to.inboxId.href };
}

createServer(async (req, res) => {
  const chunks = [];
  for await (const c of req) chunks.push(c);
  const body = Buffer.concat(chunks);
  const url = new URL(req.url, origin);
  try {
    if (url.pathname.startsWith("/_peer/")) {
      const out = await control(federation.createContext(new URL(origin), undefined), url.pathname.slice(7), JSON.parse(body));
      res.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(out));
      return;
    }
    const raw = objects.get(url.pathname);
    if (raw && req.method === "GET") {
      res.writeHead(200, { "content-type": "application/activity+json" }).end(JSON.stringify(raw));
      return;
    }
    const hasBody = !["GET", "HEAD"].includes(req.method);
    const headers = { ...req.headers };
    let seen = body;
    if (only && only !== (headers["signature-input"] ? "rfc9421" : "draft-cavage")) {
      delete headers.signature;
      delete headers["signature-input"];
      if (hasBody) seen = JSON.stringify({ ...JSON.parse(body), proof: undefined, signature: undefined });
      delete headers["content-length"];
    }
    const request = new Request(url, { method: req.method, headers, body: hasBody ? seen : undefined });
    const answer = await federation.fetch(request, { contextData: undefined });
    record("http", { method: req.method, url: req.url, status: answer.status, headers: req.headers, body: body.toString() });
    res.writeHead(answer.status, Object.fromEntries(answer.headers)).end(Buffer.from(await answer.arrayBuffer()));
  } catch (e) {
    record("crash", { message: String(e?.stack ?? e) });
    res.writeHead(500).end(String(e?.message ?? e));
  }
}).listen(port, option("host", "127.0.0.1"), () => console.log("ready"));
