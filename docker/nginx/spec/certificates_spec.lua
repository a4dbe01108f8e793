local certificates = require("slipway.certificates")

return function(spec)
  spec.it("certificates: what is no certificate is refused, and nothing of its key is told", function()
    for _, wrong in ipairs({
      {}, { id = "a/b", names = { "a" } }, { id = "a", names = {} }, { id = "a", names = { "A" } },
      { id = "a", names = { "a*" } }, { id = "a", names = { "a" }, chain = "x", key = "hush", digest = "d" },
    }) do
      local problem = certificates.problem(wrong)
      spec.equal(type(problem), "string")
      spec.equal(problem:find("hush", 1, true), nil)
    end
  end)

  spec.it("certificates: without one there is none for any name", function()
    spec.equal({ certificates.has("a.example.com"), certificates.has("") }, { false, false })
    spec.equal(certificates.find("a.example.com"), nil)
  end)
end
