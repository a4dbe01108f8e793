local pages = require("slipway.pages")

return function(spec)
  spec.it("pages: a project's words are shown as text", function()
    local body = pages.render("failed", { message = [[<script>alert("x")</script> & $title]], place = "shop dev" }, nil)
    spec.equal(body:find("<script", 1, true), nil)
    spec.equal(body:find("&lt;script&gt;alert(&quot;x&quot;)&lt;/script&gt; &amp; $title", 1, true) ~= nil, true)
  end)

  spec.it("pages: programs get JSON", function()
    local body, content_type = pages.render("paused", { message = "Nightly pause." }, "application/json")
    spec.equal(content_type, "application/json")
    spec.equal(require("cjson").decode(body),
      { error = { code = "paused", message = "This project is paused.", detail = "Nightly pause." } })
  end)

  spec.it("pages: browsers get HTML, and a starting page looks again", function()
    local body, content_type = pages.render("starting", {}, "text/html,application/json;q=0.9")
    spec.equal(content_type, "text/html; charset=utf-8")
    spec.equal(body:find('http-equiv="refresh" content="2"', 1, true) ~= nil, true)
    spec.equal(pages.render("paused", {}, nil):find("refresh", 1, true), nil)
  end)

  spec.it("pages: each has a title, a text and a status", function()
    for name, page in pairs(pages.kinds) do
      if not (page.title and page.text and page.status and page.mark) then
        error(name .. " is not whole")
      end
    end
    for status, name in pairs(pages.kind_of_status) do
      if not pages.kinds[name] then
        error(status .. " has no page")
      end
    end
  end)
end
