-- Certificates as data: what the worker pushed, in shared memory and on disk, and what a handshake finds by name.
--   json:<id>:<revision>   {id, names, chain (PEM), key (PEM), digest, default?}
--   digest:<id>            what the pusher calls this version of it
--   revision:<id>          which of those counts: changing this number is the switch
--   name:<name>            the id that answers for it; "*.<parent>" for all names one label below, "" for no name at all
--   challenge:<host>/<token>   what an ACME server wants to hear (challenges.lua)
local cjson = require("cjson.safe")
local ffi = require("ffi")
local journal = require("slipway.journal").open("/state/certificates.journal")
local lrucache = require("resty.lrucache")
local ssl = require("ngx.ssl")

ffi.cdef([[
void *OPENSSL_sk_value(const void *stack, int index);
int X509_check_private_key(const void *certificate, const void *key);
]])

local shared = ngx.shared.certificates
local MOST_NAMES = 100
local MOST_PEM_BYTES = 64 * 1024
local REWRITE_AFTER_RECORDS = 500
local parsed_here = assert(lrucache.new(2048))

local M = {}

-- Chain and key as OpenSSL has them; nil and what is wrong with them.
local function parse(certificate)
  local chain, bad_chain = ssl.parse_pem_cert(certificate.chain)
  if not chain then
    return nil, "chain: PEM certificates: " .. bad_chain
  end
  local key, bad_key = ssl.parse_pem_priv_key(certificate.key)
  if not key then
    return nil, "key: a PEM private key: " .. bad_key
  end
  if ffi.C.X509_check_private_key(ffi.C.OPENSSL_sk_value(chain, 0), key) ~= 1 then
    return nil, "key: the key of the chain's first certificate"
  end
  return { chain = chain, key = key }
end

local function is_name(name)
  return type(name) == "string" and #name <= 253
    and (name == "" or name:find("^%*%.[a-z0-9.-]+$") ~= nil or name:find("^[a-z0-9][a-z0-9.-]*$") ~= nil)
end

-- nil where `certificate` can be taken over; else what is wrong with it. Nothing of the key is ever in it.
function M.problem(certificate)
  local names = certificate.names
  if type(certificate.id) ~= "string" or not certificate.id:find("^[a-z0-9.*-]+$") or #certificate.id > 253 then
    return "id: lower-case letters, digits, ., * and -"
  end
  if type(names) ~= "table" or #names == 0 or #names > MOST_NAMES then
    return ("names: 1 to %d names"):format(MOST_NAMES)
  end
  for _, name in ipairs(names) do
    if not is_name(name) then
      return "names: domain names, or *. and one"
    end
  end
  for _, part in ipairs({ "chain", "key", "digest" }) do
    if type(certificate[part]) ~= "string" or #certificate[part] > MOST_PEM_BYTES then
      return part .. ": a text"
    end
  end
  local _, why = parse(certificate)
  return why
end

local function read(id)
  for _ = 1, 3 do
    local revision = shared:get("revision:" .. id)
    local json = revision and shared:get("json:" .. id .. ":" .. revision)
    if json then
      return cjson.decode(json), revision
    elseif not revision then
      return nil
    end
  end
end

-- Puts the text where nobody looks for it yet, because memory may be full: its revision; nil and the reason.
local function stage(certificate, json)
  local revision = assert(shared:incr("revisions", 1, 0))
  local stored, full = shared:safe_set("json:" .. certificate.id .. ":" .. revision, json)
  if not stored then
    return nil, full
  end
  return revision
end

-- Makes the staged text the one that counts.
local function switch(certificate, revision)
  local before, old_revision = read(certificate.id)
  local kept = {}
  shared:set("revision:" .. certificate.id, revision)
  shared:set("digest:" .. certificate.id, certificate.digest)
  for _, name in ipairs(certificate.names) do
    kept[name] = true
    shared:set("name:" .. name, certificate.id)
  end
  for _, name in ipairs(before and before.names or {}) do
    if not kept[name] and shared:get("name:" .. name) == certificate.id then
      shared:delete("name:" .. name)
    end
  end
  if old_revision then
    shared:delete("json:" .. certificate.id .. ":" .. old_revision)
  end
end

local function all_ids()
  local ids = {}
  for _, key in ipairs(shared:get_keys(0)) do
    local id = key:match("^revision:(.*)$")
    if id then
      ids[#ids + 1] = id
    end
  end
  return ids
end

-- Writes all certificates down but that with the id `left_out`.
local function rewrite(left_out)
  local records = {}
  for _, id in ipairs(all_ids()) do
    if id ~= left_out then
      records[#records + 1] = journal.put_record(cjson.encode((read(id))))
    end
  end
  return journal:rewrite(records)
end

-- Each id with the digest that its pusher gave it.
function M.digests()
  local digests = {}
  for _, id in ipairs(all_ids()) do
    digests[id] = shared:get("digest:" .. id)
  end
  return digests
end

-- Takes `certificate` (checked) over, on disk first; nil and the reason where that fails, and then nothing has changed.
function M.put(certificate)
  local json = cjson.encode(certificate)
  local revision, full = stage(certificate, json)
  if not revision then
    return nil, full
  end
  local kept, why = journal:append(journal.put_record(json))
  if not kept then
    shared:delete("json:" .. certificate.id .. ":" .. revision)
    return nil, why
  end
  switch(certificate, revision)
  if shared:incr("records", 1, 0) > REWRITE_AFTER_RECORDS then
    shared:set("records", 0)
    kept, why = rewrite()
    if not kept then
      ngx.log(ngx.ERR, journal.path, " cannot be rewritten: ", why)
    end
  end
  return true
end

-- nil and the reason where the file cannot be written: a key that is to go must be gone from there, too. Then it stays.
function M.remove(id)
  local certificate, revision = read(id)
  if not certificate then
    return true
  end
  local kept, why = rewrite(id)
  if not kept then
    return nil, why
  end
  shared:delete("revision:" .. id)
  shared:delete("digest:" .. id)
  shared:delete("json:" .. id .. ":" .. revision)
  for _, name in ipairs(certificate.names) do
    if shared:get("name:" .. name) == id then
      shared:delete("name:" .. name)
    end
  end
  return true
end

-- Fills memory from the file, before the first handshake.
function M.load()
  local function id_of(json)
    local certificate = cjson.decode(json)
    return certificate and not M.problem(certificate) and certificate.id or nil
  end
  local found, unreadable = journal:read(id_of)
  for id, json in pairs(found) do
    local certificate = cjson.decode(json)
    local revision, why = stage(certificate, json)
    if revision then
      switch(certificate, revision)
    else
      ngx.log(ngx.ERR, "the certificate ", id, " is not loaded: ", why)
    end
  end
  if unreadable > 0 then
    ngx.log(ngx.ERR, unreadable, " records of ", journal.path, " could not be read and are left out")
  end
  local kept, why = rewrite()
  if not kept then
    ngx.log(ngx.ERR, journal.path, " cannot be written: ", why)
  end
end

local function id_for(name)
  local id = shared:get("name:" .. name)
  if id then
    return id
  end
  local parent = name:match("^[^.]+%.(.+)$")
  return parent and shared:get("name:*." .. parent)
end

-- Whether a handshake for `name` would get a certificate.
function M.has(name)
  return id_for(name) ~= nil
end

-- Chain and key for a handshake that asks for `name`; nil where there are none.
function M.find(name)
  local id = id_for(name)
  if not id then
    return nil
  end
  local revision = shared:get("revision:" .. id)
  local known = parsed_here:get(id)
  if known and known.revision == revision then
    return known
  end
  local certificate, read_revision = read(id)
  local parsed, why = certificate and parse(certificate)
  if not parsed then
    ngx.log(ngx.ERR, "the certificate ", id, " cannot be used: ", why or "it is gone")
    return nil
  end
  parsed.revision = read_revision
  parsed_here:set(id, parsed)
  return parsed
end

return M
