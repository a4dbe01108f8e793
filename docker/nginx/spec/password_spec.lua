local password = require("slipway.password")

return function(spec)
  -- pbkdf2_hmac('sha256', b'open sesame', bytes.fromhex('00112233445566778899aabbccddeeff'), 1000)
  local users = { {
    user = "ann", saltHex = "00112233445566778899aabbccddeeff", iterations = 1000,
    hashHex = "111d7870ba309c2ec0f57e584e4e314fc577046f365a791c67e56fab8127b1fa",
  } }
  local function try(text)
    return password.is_right("Basic " .. ngx.encode_base64(text), users)
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
end
