local password = require("slipway.password")

return function(spec)
  -- pbkdf2_hmac('sha256', b'open sesame', bytes.fromhex('00112233445566778899aabbccddeeff'), 1000)
  local users = { {
    user = "ann", saltHex = "00112233445566778899aabbccddeeff", iterations = 1000,
    hashHex = "111d7870ba309c2ec0f57e584e4e314fc577046f365a791c67e56fab8127b1fa",
  } }
  local function try(text)
    return (password.is_right("Basic " .. ngx.encode_base64(text), users, "a", "192.0.2.1"))
  end

  spec.it("password: the right one opens, again and again", function()
    spec.equal({ try("ann:open sesame"), try("ann:open sesame") }, { true, true })
  end)

  spec.it("password: anything else does not", function()
    spec.equal({ try("ann:open"), try("ann:"), try("bob:open sesame"), try("ann"), try(""), try(":open sesame") },
      { false, false, false, false, false, false })
    spec.equal({ password.is_right(nil, users), password.is_right("Bearer x", users), password.is_right("Basic !!", users) },
      { false, false, false })
  end)

  spec.it("password: guesses have a budget of the time that they take; what is known costs none of it", function()
    local slow = { { user = "ann", saltHex = users[1].saltHex, hashHex = users[1].hashHex, iterations = 200000 } }
    local function guess(text, project, client)
      local is_right, seconds = password.is_right("Basic " .. ngx.encode_base64(text), slow, project, client)
      return { is_right, seconds ~= nil and seconds > 0 }
    end
    spec.equal({ guess("ann:1", "b", "x"), guess("ann:2", "b", "x"), guess("ann:3", "b", "x") },
      { { false, false }, { false, false }, { false, false } })
    spec.equal({ guess("ann:4", "b", "x"), guess("ann:1", "b", "x") }, { { false, true }, { false, false } })
    spec.equal({ guess("ann:4", "b", "y"), guess("ann:4", "c", "x") }, { { false, false }, { false, false } })
    spec.equal(try("ann:open sesame"), true)
  end)
end
