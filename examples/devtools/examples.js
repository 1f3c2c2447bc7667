// What five clients write when Redis is away.

export const EXAMPLES = {
  "redis-py": `2025-03-04 02:11:09,120 ERROR app.cache: cache read failed
Traceback (most recent call last):
  File "/srv/app/lib/redis/connection.py", line 357, in connect
    sock = self.retry.call_with_retry(
  File "/srv/app/lib/redis/connection.py", line 706, in _connect
    for res in socket.getaddrinfo(
socket.gaierror: [Errno -2] Name or service not known
During handling of the above exception, another exception occurred:
redis.exceptions.ConnectionError: Error -2 connecting to cache.example:6379. Name or service not known.
2025-03-04 02:14:40,003 ERROR app.cache: redis.exceptions.ConnectionError: Error 111 connecting to cache.example:6379. Connection refused.
2025-03-04 02:14:41,950 ERROR app.cache: redis.exceptions.BusyLoadingError: Redis is loading the dataset in memory
2025-03-04 02:14:55,411 INFO app.cache: cache warm`,
  ioredis: `[ioredis] Unhandled error event: Error: connect ECONNREFUSED 10.0.3.17:6379
    at TCPConnectWrap.afterConnect [as oncomplete] (node:net:1595:16)
[ioredis] Unhandled error event: Error: getaddrinfo ENOTFOUND cache.example
    at GetAddrInfoReqWrap.onlookup [as oncomplete] (node:dns:109:26)
MaxRetriesPerRequestError: Reached the max retries per request limit (which is 20). Refer to "maxRetriesPerRequest" option for details.
ReplyError: READONLY You can't write against a read only replica.
Error: Connection is closed.
Error: Command timed out`,
  "node-redis": `Redis Client Error Error: connect ETIMEDOUT
    at createConnectionTimeoutError (/srv/app/client/socket.js:192)
Redis Client Error SocketClosedUnexpectedlyError: Socket closed unexpectedly
Redis Client Error [ErrorReply: WRONGPASS invalid username-password pair or user is disabled.]
[ErrorReply: WRONGTYPE Operation against a key holding the wrong kind of value]
[ErrorReply: OOM command not allowed when used memory > 'maxmemory'.]`,
  Lettuce: `io.lettuce.core.RedisConnectionException: Unable to connect to cache.example/10.0.3.17:6379
	at io.lettuce.core.RedisConnectionException.create(RedisConnectionException.java:78)
Caused by: io.netty.channel.AbstractChannel$AnnotatedConnectException: Connection refused: cache.example/10.0.3.17:6379
Caused by: java.net.ConnectException: Connection refused
io.lettuce.core.RedisCommandTimeoutException: Command timed out after 1 minute(s)
java.io.IOException: Connection reset by peer
io.lettuce.core.RedisCommandExecutionException: MISCONF Redis is configured to save RDB snapshots, but it's currently unable to persist to disk.`,
  "go-redis": `redis: 2025/03/04 02:11:09 pool.go:367: redis: connection pool: failed to dial after 5 attempts: dial tcp: lookup cache.example: no such host
2025/03/04 02:12:10 GET session:42: dial tcp 10.0.3.17:6379: connect: connection refused
2025/03/04 02:12:15 GET session:42: read tcp 10.0.1.4:51872->10.0.3.17:6379: i/o timeout
2025/03/04 02:12:19 GET session:42: EOF
2025/03/04 02:12:30 INCR visits: CLUSTERDOWN The cluster is down
2025/03/04 02:12:44 GET session:42: dial tcp 10.0.3.17:6379: connect: no route to host`,
};
