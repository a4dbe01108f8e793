-- The gateway's modules by name, as nginx.conf calls them: `require` looks two strings up at each call, is not compiled, and
-- four calls are made for each request.
return setmetatable({}, {
  __index = function(modules, name)
    local module = require("slipway." .. name)
    modules[name] = module
    return module
  end,
})
