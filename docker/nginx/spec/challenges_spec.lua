local challenges = require("slipway.challenges")

return function(spec)
  local put = { host = "shop.example.com", token = "abc-DEF_1", answer = "abc-DEF_1.thumbprint" }

  spec.it("challenges: answer for their host and token alone, until they are removed", function()
    spec.equal(challenges.problem(put), nil)
    assert(challenges.put(put))
    local path = "/.well-known/acme-challenge/abc-DEF_1"
    spec.equal(challenges.answer("shop.example.com", path), "abc-DEF_1.thumbprint")
    spec.equal(challenges.answer("blog.example.com", path), nil)
    spec.equal(challenges.answer("shop.example.com", path .. "x"), nil)
    spec.equal(challenges.answer("shop.example.com", "/x" .. path), nil)
    challenges.remove(put)
    spec.equal(challenges.answer("shop.example.com", path), nil)
  end)

  spec.it("challenges: refuse what is none", function()
    for _, wrong in ipairs({
      {}, { host = "A", token = "t", answer = "a" }, { host = "a", token = "t/u", answer = "a" },
      { host = "a", token = "t", answer = "a\r\nSet-Cookie: x" }, { host = "a/b", token = "t", answer = "a" },
    }) do
      spec.equal(type(challenges.problem(wrong)), "string")
    end
  end)
end
