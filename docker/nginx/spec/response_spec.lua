local response = require("slipway.response")

return function(spec)
  local prefix, host = "/projects/n/dev", "localhost:8080"
  local function location(value)
    return response.mend_location(value, prefix, host)
  end

  spec.it("response: an absolute path gets the prefix, once", function()
    spec.equal(location("/login"), "/projects/n/dev/login")
    spec.equal(location("/"), "/projects/n/dev/")
    spec.equal(location("/?a=b"), "/projects/n/dev/?a=b")
    spec.equal(location("/projects/n/dev/login"), "/projects/n/dev/login")
    spec.equal(location("/projects/n/dev"), "/projects/n/dev")
    spec.equal(location("/projects/n/devil"), "/projects/n/dev/projects/n/devil")
  end)

  spec.it("response: a URL of the client's own host gets the prefix, any other stays", function()
    spec.equal(location("http://localhost:8080/login"), "http://localhost:8080/projects/n/dev/login")
    spec.equal(location("http://LOCALHOST:8080"), "http://LOCALHOST:8080/projects/n/dev/")
    spec.equal(location("https://example.com/login"), "https://example.com/login")
    spec.equal(location("http://localhost:9999/login"), "http://localhost:9999/login")
  end)

  spec.it("response: a Refresh header's URL gets the prefix, in quotes or not", function()
    local function refresh(value)
      return response.mend_refresh(value, prefix, host)
    end
    spec.equal(refresh("5; url=/next"), "5; url=/projects/n/dev/next")
    spec.equal(refresh("0;URL='/next?a=b'"), "0;URL='/projects/n/dev/next?a=b'")
    spec.equal(refresh('0; url = "/"'), '0; url = "/projects/n/dev/"')
    spec.equal(refresh("0; url=https://example.com/"), "0; url=https://example.com/")
    spec.equal(refresh("30"), "30")
  end)

  spec.it("response: relative, scheme-relative and odd ones stay", function()
    for _, value in ipairs({ "login", "../login", "//example.com/x", "?a", "#b", "mailto:a@b", "" }) do
      spec.equal(location(value), value)
    end
  end)

  spec.it("response: without a prefix nothing changes", function()
    spec.equal(response.mend_location("/login", "", host), "/login")
  end)

  spec.it("response: the container that answered is the last one tried, where its header came", function()
    spec.equal(response.answerer("10.0.0.1:80", "0.003"), "10.0.0.1:80")
    spec.equal(response.answerer("10.0.0.1:80, [fd00::1]:80", "-, 0.003"), "[fd00::1]:80")
    spec.equal(response.answerer("10.0.0.1:80", "-"), nil)
    spec.equal(response.answerer("10.0.0.1:80, project", "0.003, -"), nil)
    spec.equal(response.answerer(nil, nil), nil)
  end)

  spec.it("response: a cookie's path gets the prefix", function()
    spec.equal(response.mend_cookie("a=b; Path=/; HttpOnly", prefix, true), "a=b; Path=/projects/n/dev/; HttpOnly")
    spec.equal(response.mend_cookie("a=b;path=/x", prefix, true), "a=b; Path=/projects/n/dev/x")
    spec.equal(response.mend_cookie("a=b; Path=/projects/other/dev", prefix, true), "a=b; Path=/projects/n/dev/projects/other/dev")
    spec.equal(response.mend_cookie("a=b; Secure", prefix, true), "a=b; Secure")
  end)

  spec.it("response: a value that looks like an attribute is none", function()
    spec.equal(response.mend_cookie("path=/x; Max-Age=1", prefix, true), "path=/x; Max-Age=1")
    spec.equal(response.mend_cookie("domain=x", "", true), "domain=x")
  end)

  spec.it("response: a Domain goes where the name is ours, and stays on a domain of the project's own", function()
    spec.equal(response.mend_cookie("a=b; Domain=localhost; Path=/", "", true), "a=b; Path=/")
    spec.equal(response.mend_cookie("a=b; Domain=example.com", "", false), "a=b; Domain=example.com")
  end)
end
