local target = require("slipway.target")

return function(spec)
  local function both(...)
    return { ... }
  end

  spec.it("target: a request's path and query are told apart, raw", function()
    spec.equal(both(target.split("/a%2Fb?c=/d?e")), { "/a%2Fb", "?c=/d?e" })
    spec.equal(both(target.split("/")), { "/", "" })
    spec.equal(both(target.split("?q")), { "/", "?q" })
  end)

  spec.it("target: dot segments are seen however they are written", function()
    for _, path in ipairs({ "/..", "/a/../b", "/a/..", "/./a", "/%2e%2e/a", "/a/%2E./b", "/a/.%2e", "/a\\..\\b", "/a/%2e" }) do
      if not target.has_dot_segment(path) then
        error(path .. " has a dot segment")
      end
    end
    for _, path in ipairs({ "/", "/a..b", "/.well-known/x", "/...", "/a/..b", "/%2f..%2f", "/.%2f" }) do
      if target.has_dot_segment(path) then
        error(path .. " has no dot segment")
      end
    end
  end)

  spec.it("target: a host header has at most a port, and its name is what nginx makes of it", function()
    local hosts = { localhost = "localhost", ["A.b:80"] = "a.b", ["[::1]"] = "[::1]", ["[::1]:8080"] = "[::1]",
      ["192.0.2.1:1"] = "192.0.2.1", ["a.b:"] = "a.b", ["a.b."] = "a.b", ["a.b.:80"] = "a.b" }
    for header, host in pairs(hosts) do
      spec.equal({ header, target.host_of_header(header) }, { header, host })
    end
    for _, header in ipairs({ "a:b", "a:80b", "a:80:80", "[::1", "[::1]x", "::1", ":80", "[g]:1", "" }) do
      spec.equal({ header, target.host_of_header(header) or "none" }, { header, "none" })
    end
  end)

  spec.it("target: the path of a project names it literally", function()
    local namespace = "project_1700000000001_abcd2345"
    spec.equal(both(target.project_path("/projects/" .. namespace .. "/dev/a/b")), { namespace, "dev", "/a/b" })
    spec.equal(both(target.project_path("/projects/" .. namespace .. "/dev")), { namespace, "dev", "" })
    spec.equal(both(target.project_path("/projects/" .. namespace .. "/dev/")), { namespace, "dev", "/" })
    spec.equal(both(target.project_path("/projects/" .. namespace .. "%2fdev/a")), { namespace .. "%2fdev", "a", "" })
    for _, path in ipairs({ "/", "/projects/", "/Projects/" .. namespace .. "/dev/", "//projects/" .. namespace .. "/dev/",
      "/projects/" .. namespace }) do
      spec.equal(target.project_path(path), nil)
    end
  end)

  spec.it("target: what is neither below /projects/ nor hidden is the dashboard's", function()
    for _, path in ipairs({ "/projects", "/projects/", "/projects/x", "/projects/project_1_a/dev", "/.env", "/.slipway/page" }) do
      spec.equal({ path, target.is_of_dashboard(path) }, { path, false })
    end
    for _, path in ipairs({ "/", "/projectsx", "/Projects/", "//projects/", "/p/projects/", "/%70rojects/" }) do
      spec.equal({ path, target.is_of_dashboard(path) }, { path, true })
    end
  end)

  spec.it("target: an environment's name ends at a slash", function()
    local _, environment, rest = target.project_path("/projects/project_1700000000001_abcd2345/dev2/x")
    spec.equal({ environment, rest, target.is_environment_name(environment) }, { "dev2", "/x", false })
    spec.equal({ target.is_environment_kind("prod"), target.is_environment_kind("test") }, { false, true })
    spec.equal(target.is_environment_name("prod"), true)
  end)

  spec.it("target: hosts below the base domain name environment and slug", function()
    spec.equal(both(target.project_host("dev--my-shop.localhost", ".localhost")), { "dev", "my-shop" })
    spec.equal(both(target.project_host("dev--a--b.localhost", ".localhost")), { "dev", "a--b" })
    for _, host in ipairs({ "localhost", ".localhost", "dev--shop.example.com", "shop.localhost", "x.dev--shop.localhost",
      "dev--shop.localhost.evil", "dev--.localhost", "--shop.localhost" }) do
      spec.equal(target.project_host(host, ".localhost"), nil)
    end
  end)

  spec.it("target: the longest prefix wins, at segment borders", function()
    local services = { { prefix = "/api/v2" }, { prefix = "/api" }, { prefix = "/" } }
    spec.equal(target.service(services, "/api/v2/x").prefix, "/api/v2")
    spec.equal(target.service(services, "/api/v2").prefix, "/api/v2")
    spec.equal(target.service(services, "/api/v20").prefix, "/api")
    spec.equal(target.service(services, "/api").prefix, "/api")
    spec.equal(target.service(services, "/apis").prefix, "/")
    spec.equal(target.service({ { prefix = "/api" } }, "/"), nil)
  end)

  spec.it("target: bodies of unknown length go to the smallest class that holds the limit", function()
    spec.equal(target.body_class(1), "/.slipway/body/1m")
    spec.equal(target.body_class(1024 ^ 2), "/.slipway/body/1m")
    spec.equal(target.body_class(1024 ^ 2 + 1), "/.slipway/body/2m")
    spec.equal(target.body_class(11 * 1024 ^ 2), "/.slipway/body/16m")
    spec.equal(target.body_class(1024 ^ 4), "/.slipway/body/1048576m")
  end)
end
