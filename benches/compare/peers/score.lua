-- What nginx and HAProxy share of the job: a score is read, validated and capped at its maximum.
local ACTIVITY = { Initialized = true, Started = true, InProgress = true, Submitted = true, Completed = true }
local GRADING = { FullyGraded = true, Pending = true, PendingManual = true, Failed = true, NotReady = true }
local MEMBERS = {
    userId = "string", activityProgress = "string", gradingProgress = "string", scoreGiven = "number",
    scoreMaximum = "number", comment = "string", timestamp = "string", submission = "table",
}

local function is_valid(score)
    if type(score) ~= "table" then
        return false
    end
    for name, value in pairs(score) do
        if type(value) ~= MEMBERS[name] then
            return false
        end
    end
    if not score.userId or score.userId == "" or not ACTIVITY[score.activityProgress] or not GRADING[score.gradingProgress] then
        return false
    end
    if not score.scoreGiven then
        return true
    end
    return score.scoreGiven >= 0 and score.scoreMaximum ~= nil and score.scoreMaximum > 0
end

-- The body to send and whether it differs from what came; nil for a body that is no valid score.
local function judge(cjson, body)
    local score = body and cjson.decode(body)
    if not is_valid(score) then
        return nil
    end
    if score.scoreGiven and score.scoreGiven > score.scoreMaximum then
        score.scoreGiven = score.scoreMaximum
        return cjson.encode(score), true
    end
    return body, false
end

return { judge = judge }
