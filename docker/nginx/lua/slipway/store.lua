-- The route table in shared memory: one entry a project, and what finds it.
--   json:<namespace>:<revision>  the project as it was pushed
--   revision:<namespace>         which of those counts: changing this number is the switch
--   version:<namespace>          the pusher's version of it
--   slug:<slug>, domain:<name>   the namespace that owns it
--   changes                      rises as a change of the table begins and as it ends, so it is odd while one is under way.
--                                While it is even and the same, all that an nginx worker knows of the table holds: a
--                                request reads this one number and no more
-- Readers are nginx's workers, at any time; the writer is one of them, holding the door's lock.
local cjson = require("cjson.safe")
local compile = require("slipway.compile")
local generations = require("slipway.generations")

local routes = ngx.shared.routes
local LEAST_FREE_BYTES = 4 * 1024 * 1024
local compiled_here = generations.new(8192)

local M = {}

local function read(namespace)
  for _ = 1, 3 do
    local revision = routes:get("revision:" .. namespace)
    if not revision then
      return nil
    end
    local json = routes:get("json:" .. namespace .. ":" .. revision)
    if json then
      return json, revision
    end
  end
  return nil
end

-- The revision of the whole table; nil while it changes.
function M.revision()
  local changes = routes:get("changes")
  if changes and changes % 2 == 0 then
    return changes
  end
  return nil
end

-- A writer that was killed leaves the number odd: then every request looks each project up, until the next change has ended.
local function begin_change()
  if (routes:get("changes") or 0) % 2 == 0 then
    routes:incr("changes", 1, 0)
  end
end

local function end_change()
  routes:incr("changes", 1, 0)
end

-- The project's routes, ready to use (compile.lua); nil where there is no such project. `table_revision` was read before.
function M.project(namespace, table_revision)
  local known = compiled_here:get(namespace)
  if known and table_revision and known.looked_up_at == table_revision then
    return known
  end
  local revision = routes:get("revision:" .. namespace)
  if not revision then
    if known then
      compiled_here:delete(namespace)
    end
    return nil
  end
  if known and known.revision == revision then
    known.looked_up_at = table_revision
    return known
  end
  local json, read_revision = read(namespace)
  if not json then
    return nil
  end
  local project = compile.project(assert(cjson.decode(json)), known)
  project.revision, project.looked_up_at = read_revision, table_revision
  compiled_here:set(namespace, project)
  return project
end

function M.namespace_of_slug(slug)
  return routes:get("slug:" .. slug)
end

function M.namespace_of_domain(name)
  return routes:get("domain:" .. name)
end

function M.version(namespace)
  return routes:get("version:" .. namespace)
end

function M.json(namespace)
  return (read(namespace))
end

-- {namespace → version} of all projects.
function M.versions()
  local versions = {}
  for _, key in ipairs(routes:get_keys(0)) do
    local namespace = key:match("^version:(.*)$")
    if namespace then
      versions[namespace] = routes:get(key)
    end
  end
  return versions
end

local function index_keys(project)
  local keys = { "slug:" .. project.slug }
  for _, domain in ipairs(project.domains or {}) do
    keys[#keys + 1] = "domain:" .. domain.name
  end
  return keys
end

-- Who else has the slug or a domain of `project`: nil, or which of them is taken. The owner stays unnamed.
-- `gone(namespace)` tells which owners are about to leave.
function M.conflict(project, gone)
  for _, key in ipairs(index_keys(project)) do
    local owner = routes:get(key)
    if owner and owner ~= project.namespace and not (gone and gone(owner)) then
      return key
    end
  end
end

local function drop_index(project, kept)
  for _, key in ipairs(index_keys(project)) do
    if not kept[key] and routes:get(key) == project.namespace then
      routes:delete(key)
    end
  end
end

-- Whether the table has room for `bytes` more.
function M.has_room(bytes)
  return routes:free_space() > LEAST_FREE_BYTES + 2 * bytes
end

-- Takes `project` (checked; `json` is its text) over: from one instant to the next all workers answer by it.
-- nil and the reason where memory would not have it; then the old one goes on.
function M.put(project, json)
  local namespace = project.namespace
  local before = read(namespace)
  local old_revision = routes:get("revision:" .. namespace)
  local revision = assert(routes:incr("revisions", 1, 0))

  local stored, full = routes:safe_set("json:" .. namespace .. ":" .. revision, json)
  if not stored then
    return nil, full
  end
  begin_change()
  local kept = {}
  for _, key in ipairs(index_keys(project)) do
    kept[key] = true
    stored, full = routes:safe_set(key, namespace)
    if not stored then
      routes:delete("json:" .. namespace .. ":" .. revision)
      end_change()
      return nil, full
    end
  end
  routes:set("version:" .. namespace, project.version)
  routes:set("revision:" .. namespace, revision)

  if before then
    drop_index(assert(cjson.decode(before)), kept)
    routes:delete("json:" .. namespace .. ":" .. old_revision)
  end
  end_change()
  return true
end

function M.remove(namespace)
  local json, revision = read(namespace)
  if not json then
    return
  end
  begin_change()
  routes:delete("revision:" .. namespace)
  routes:delete("version:" .. namespace)
  drop_index(assert(cjson.decode(json)), {})
  routes:delete("json:" .. namespace .. ":" .. revision)
  end_change()
end

return M
