-- wrk's side of serve.py: posts the images of a folder in turn, and prints what came back as JSON.
--   wrk ... -s serve.lua URL -- FOLDER COUNT
-- FOLDER holds 0.body to (COUNT - 1).body, multipart bodies with the boundary "cnnlab".

local bodies, at = {}, 0
local threads = {}
statuses = ""
local seen = {}

function setup(thread)
  table.insert(threads, thread)
end

function init(args)
  for number = 0, tonumber(args[2]) - 1 do
    local file = assert(io.open(args[1] .. "/" .. number .. ".body", "rb"))
    table.insert(bodies, file:read("*a"))
    file:close()
  end
  wrk.method = "POST"
  wrk.headers["Content-Type"] = "multipart/form-data; boundary=cnnlab"
end

function request()
  at = at % #bodies + 1
  return wrk.format(nil, nil, nil, bodies[at])
end

function response(status)
  seen[status] = (seen[status] or 0) + 1
  statuses = ""
  for code, count in pairs(seen) do
    statuses = statuses .. code .. "=" .. count .. " "
  end
end

function done(summary, latency)
  local counts = {}
  for _, thread in ipairs(threads) do
    for code, count in thread:get("statuses"):gmatch("(%d+)=(%d+)") do
      counts[code] = (counts[code] or 0) + tonumber(count)
    end
  end
  local parts = {}
  for code, count in pairs(counts) do
    table.insert(parts, string.format('"%s": %d', code, count))
  end
  local errors = summary.errors
  io.write(string.format(
    '\n{"requests": %d, "seconds": %.6f, "p50": %.6f, "p99": %.6f, "statuses": {%s}, ' ..
    '"socket_errors": %d, "timeouts": %d}\n',
    summary.requests, summary.duration / 1e6, latency:percentile(50) / 1e6,
    latency:percentile(99) / 1e6, table.concat(parts, ", "),
    errors.connect + errors.read + errors.write, errors.timeout))
end
