-- The score's part of the job for HAProxy. An action judges it; only a filter may replace a body.
local cjson = require("cjson.safe")
local score = require("score")

core.register_action("judge", { "http-req" }, function(txn)
    local body, capped = score.judge(cjson, txn.f:req_body())
    if not body then
        txn:set_var("txn.fault", "INVALID_SCORE")
    elseif capped then
        txn:set_var("txn.body", body)
        txn.http:req_set_header("content-length", tostring(#body))
    end
end, 0)

local Rewrite = { id = "rewrite", flags = filter.FLT_CFG_FL_HTX }
Rewrite.__index = Rewrite

function Rewrite:new()
    return setmetatable({}, Rewrite)
end

function Rewrite:http_headers(txn, message)
    if not message:is_resp() then
        self.body = txn:get_var("txn.body")
        if self.body then
            filter.register_data_filter(self, message.channel)
        end
    end
end

function Rewrite:http_payload(_, message)
    if self.body then
        message:set(self.body)
        self.body = nil
    end
end

core.register_filter("rewrite", Rewrite, function(found)
    return found
end)
