// Package sftptest has an SFTP gateway that runs in the process, and a mock of
// the client, for tests of programs that use package sftp.
//
//	srv, err := sftptest.NewServer(sftptest.Config{Layout: sftp.CreditClear()})
//	defer srv.Close()
//	srv.WriteFile("/downloads/returns.csv", content).
//		Inject(sftptest.Fault{Operation: sftptest.OpRead, Kind: sftptest.CutBefore})
//	srv.AddSamples("/reports", "ARUDD")        // Bacs reports of ccrtest/bacssample
//	drop, err := srv.Client(ctx)               // or sftp.Dial(ctx, srv.Config())
//	received, err := drop.Receive(ctx, sink)
//	srv.Requests(sftptest.OpRead)              // what arrived
//	srv.Files("/uploads")                      // what is there now
//
// Methods that prepare something return the server, so that they chain. Names
// are absolute paths; "uploads/a.csv" is read as "/uploads/a.csv".
//
// [NewServer] speaks real SSH and SFTP, on loopback or, with Config.InMemory,
// on a network in memory for fake time (testing/synctest). Files are in memory.
// Its SFTP side shares no code with the client's. For tests that need no wire
// at all there is [Mock], with a function for each method.
//
// # What it enforces
//
// The host key is a new one in each server: [Server.Config] pins it, and
// [Server.Fingerprint], [Server.HostKeyLine] and [Server.KnownHostsLine] give
// it in the other forms. Only users of Config.Users get in, with their key or
// password, after at most six attempts on a connection. Folders and what may
// be done in them are those of Config.Layout: upload folders take files and
// show names, sizes and times but no content; the downloads folder can be
// listed and read. Config.Permissions and [Server.Allow] change that. A rename
// onto a name that is taken fails, unless it is a posix-rename.
//
// # What goes wrong on request
//
// [Server.Inject] refuses a request, delays it, cuts the connection before or
// after it was acted on or after a number of bytes, stalls it, or calls a
// function of the test in the middle. [Traits] are what servers lack or do
// otherwise: extensions, short reads, a full disk, sessions on a connection.
// [Server.ChangeHostKey] and [Server.CutConnections] do what they say.
//
// # What it made up
//
// Neither vendor says which server it runs. This one offers what OpenSSH's
// sftp-server does, as far as the client uses it: version 3 of the protocol
// with posix-rename, fsync, statvfs and limits. Which permissions the folders
// have is inferred from what the vendors say of them.
package sftptest
