-- wrk sends what it is given: a file of complete requests, all of one length.  Each thread takes its own part of the file
-- and begins it anew at its end.  Arguments: FILE LENGTH COUNT THREADS.
local threads = 0

function setup(thread)
	thread:set("number", threads)
	threads = threads + 1
end

function init(args)
	length = tonumber(args[2])
	part = math.floor(tonumber(args[3]) / tonumber(args[4]))
	first = number * part * length
	left = part
	file = assert(io.open(args[1], "rb"))
	file:seek("set", first)
end

function request()
	if left == 0 then
		file:seek("set", first)
		left = part
	end
	left = left - 1
	return file:read(length)
end

function done(summary, latency, requests)
	local lost = summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.timeout
	io.write(string.format('{"answers": %d, "seconds": %.6f, "refused": %d, "lost": %d, ',
		summary.requests, summary.duration / 1e6, summary.errors.status, lost))
	io.write(string.format('"p50_ms": %.3f, "p99_ms": %.3f, "worst_ms": %.3f}\n',
		latency:percentile(50) / 1e3, latency:percentile(99) / 1e3, latency.max / 1e3))
end
