-- The salt of a user's key: made on first use, kept alive by use; of a user who has just been deleted there is none.
-- KEYS 1 salt  2 tombstone   ARGV 1 a fresh salt  2 lifetime in ms   Reply: the salt, or ''
if redis.call('EXISTS', KEYS[2]) == 1 then return '' end
local salt = redis.call('GET', KEYS[1])
if salt then redis.call('PEXPIRE', KEYS[1], ARGV[2])
else
  salt = ARGV[1]
  redis.call('SET', KEYS[1], salt, 'PX', ARGV[2])
end
return salt
