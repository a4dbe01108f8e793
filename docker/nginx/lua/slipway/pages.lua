-- The gateway's own answers: a small page for people, JSON for programs.
local cjson = require("cjson.safe")

local M = {}

local TEMPLATE = [[
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">$refresh
<title>$title</title>
<style>
:root { color-scheme: light dark; --ink: #1d2733; --soft: #5b6b7c; --ground: #f4f6f8; --card: #fff; --line: #dfe5eb; --mark: $mark }
@media (prefers-color-scheme: dark) { :root { --ink: #e8edf2; --soft: #9aa9b8; --ground: #12171d; --card: #1a2129; --line: #2b3540 } }
* { box-sizing: border-box }
body { margin: 0; min-height: 100vh; display: grid; place-items: center; padding: 1.5rem; background: var(--ground); color: var(--ink);
  font: 1rem/1.6 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif }
main { width: 100%; max-width: 32rem; padding: 2rem 2.25rem; background: var(--card); border: 1px solid var(--line); border-radius: .75rem;
  border-top: .25rem solid var(--mark) }
h1 { margin: 0 0 .5rem; font-size: 1.375rem; line-height: 1.3 }
p { margin: 0 0 .5rem; overflow-wrap: anywhere }
footer { margin-top: 1.5rem; font-size: .8125rem; color: var(--soft) }
</style>
</head>
<body><main>
<h1>$title</h1>
$paragraphs
<footer>$footer</footer>
</main></body>
</html>
]]

local ENTITIES = { ["&"] = "&amp;", ["<"] = "&lt;", [">"] = "&gt;", ['"'] = "&quot;", ["'"] = "&#39;" }
local function escape(text)
  return (text:gsub("[&<>\"']", ENTITIES))
end

local AMBER, BLUE, RED, GREY = "#d9982b", "#2f7dd1", "#c8453b", "#7b8794"

-- What a state of an environment, or a failure on the way, answers.
M.kinds = {
  dashboard_away = { status = 503, retry = 2, refresh = true, mark = BLUE, title = "The dashboard is not there right now",
    text = "Slipway's worker, which serves it, is starting or stopped. Projects that run are served all the same. "
      .. "This page looks again by itself; `slipway status` says what is down." },
  paused = { status = 503, retry = 60, mark = AMBER, title = "This project is paused",
    text = "Its containers are stopped and its data is kept. It answers again once it is resumed." },
  hibernated = { status = 503, retry = 60, mark = BLUE, title = "This environment is hibernated",
    text = "Its containers are stopped and its data is kept. It answers again when its project needs it." },
  starting = { status = 503, retry = 2, refresh = true, mark = BLUE, title = "This environment is starting",
    text = "It answers as soon as its services are healthy. This page looks again by itself." },
  failed = { status = 503, retry = 60, mark = RED, title = "This environment has failed",
    text = "It could not be brought up. The project's events say why." },
  absent = { status = 404, mark = GREY, title = "There is no such environment now",
    text = "The project is there, but this environment of it does not exist in its present status." },
  no_project = { status = 404, mark = GREY, title = "Nothing is here",
    text = "No project answers at this address. A deleted project's address ends up here, too." },
  no_service = { status = 404, mark = GREY, title = "No service answers this path",
    text = "The environment is running, but none of its services has a route that holds this path." },
  no_upstream = { status = 503, retry = 2, refresh = true, mark = BLUE, title = "No healthy container right now",
    text = "The service has no container that takes requests at this moment. This page looks again by itself." },
  forbidden = { status = 403, mark = RED, title = "Not from this address",
    text = "This environment is open to certain addresses, and yours is not among them." },
  unauthorized = { status = 401, mark = AMBER, title = "A password is needed", text = "Sign in to see this environment." },
  too_many = { status = 429, retry = 1, mark = AMBER, title = "Too many requests",
    text = "More requests came than this project lets through. Try again in a moment." },
  too_large = { status = 413, mark = AMBER, title = "The body is too large",
    text = "The request's body is larger than this service lets through." },
  bad_request = { status = 400, mark = AMBER, title = "Not a request that can be passed on",
    text = "The request is malformed, or its path has segments like “..” in it." },
  upstream_gone = { status = 502, retry = 2, mark = RED, title = "The container did not answer",
    text = "The request was passed on, but the connection failed or broke before an answer came." },
  upstream_slow = { status = 504, retry = 10, mark = RED, title = "The container took too long",
    text = "The request was passed on, but no answer came within the service's time limit." },
  timeout = { status = 408, mark = AMBER, title = "The request took too long to arrive", text = "Send it again." },
  uri_too_long = { status = 414, mark = AMBER, title = "The address is too long", text = "Shorten it and try again." },
  headers_too_large = { status = 431, mark = AMBER, title = "The headers are too large",
    text = "Often a cookie has grown too big: clearing the site's cookies helps." },
  not_allowed = { status = 405, mark = AMBER, title = "This method is not passed on",
    text = "TRACE and CONNECT end at the gateway." },
  broken = { status = 500, retry = 10, mark = RED, title = "The gateway stumbled", text = "The cause is in its log." },
}

M.kind_of_status = {
  [400] = "bad_request", [404] = "no_project", [405] = "not_allowed", [408] = "timeout", [413] = "too_large",
  [414] = "uri_too_long", [429] = "too_many", [431] = "headers_too_large", [494] = "headers_too_large", [497] = "bad_request",
  [500] = "broken", [501] = "bad_request", [502] = "upstream_gone", [503] = "no_upstream", [504] = "upstream_slow",
}

local function wants_json(accept)
  return accept ~= nil and accept:find("application/json", 1, true) ~= nil and not accept:find("text/html", 1, true)
end

-- The body and content type of the page `kind`. `about` is {message, place}: a sentence of the project's own (escaped
-- here) and what the address stands for.
function M.render(kind, about, accept)
  local page = M.kinds[kind]
  if wants_json(accept) then
    return cjson.encode({ error = { code = kind, message = page.title .. ".", detail = about.message } }), "application/json"
  end
  local paragraphs = { "<p>" .. escape(page.text) .. "</p>" }
  if about.message and about.message ~= "" then
    paragraphs[2] = "<p>" .. escape(about.message) .. "</p>"
  end
  local values = {
    title = escape(page.title),
    mark = page.mark,
    paragraphs = table.concat(paragraphs, "\n"),
    refresh = page.refresh and ('\n<meta http-equiv="refresh" content="%d">'):format(page.retry) or "",
    footer = escape((about.place and about.place .. " · " or "") .. page.status .. " · Slipway"),
  }
  return (TEMPLATE:gsub("%$(%l+)", values)), "text/html; charset=utf-8"
end

-- Sends the page and ends the request. `retry` overrides the seconds of Retry-After.
function M.answer(kind, about, retry)
  local page = M.kinds[kind]
  local body, content_type = M.render(kind, about or {}, ngx.var.http_accept)
  ngx.status = page.status
  ngx.header["Content-Type"] = content_type
  ngx.header["Content-Length"] = #body
  ngx.header["Cache-Control"] = "no-store"
  ngx.header["Content-Security-Policy"] = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'self'"
  retry = retry or page.retry
  if retry then
    ngx.header["Retry-After"] = math.max(1, math.ceil(retry))
  end
  return M.send(body)
end

-- Sends `body` with the headers that are set, and ends the request: with them sent, no later phase runs.
function M.send(body)
  ngx.send_headers()
  if ngx.req.get_method() ~= "HEAD" then
    ngx.print(body)
  end
  return ngx.exit(ngx.HTTP_OK)
end

return M
