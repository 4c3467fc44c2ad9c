package main

import (
	"context"
	"path/filepath"

	"github.com/ccr-sdk/ccr"
	"github.com/ccr-sdk/ccr/internal/tools/bench/work"
	"github.com/ccr-sdk/ccr/sftp"
)

func transferWithCCR(ctx context.Context, t work.Transfer) error {
	remoteDir := t.Remote
	if t.Down && t.Files == 0 {
		remoteDir = filepath.Dir(t.Remote)
	}
	cfg := sftp.Config{
		Address: t.Endpoint.Address, User: t.Endpoint.User, Key: sftp.PrivateKeyFile(t.Endpoint.KeyFile), HostKeys: sftp.HostPublicKeys(t.Endpoint.HostKey),
		Layout: sftp.Layout{Vendor: "bench", Root: "/", Uploads: []sftp.UploadFolder{{Path: remoteDir}}, Downloads: remoteDir},
	}
	if !t.Defaults {
		cfg.Concurrency = work.Together
	}
	c, err := sftp.Dial(ctx, cfg)
	if err != nil {
		return err
	}
	switch {
	case t.Down && t.Files == 0:
		_, err = c.Download(ctx, filepath.Base(t.Remote), filepath.Join(t.Local, "data"), sftp.DownloadOptions{Channels: t.Channels})
	case t.Down:
		var list []sftp.Entry
		if list, err = c.List(ctx, sftp.ListOptions{}); err == nil {
			_, err = c.DownloadAll(ctx, list, t.Local, sftp.DownloadOptions{})
		}
	case t.Files == 0:
		_, err = c.Upload(ctx, ccr.FileFromPath(t.Local), sftp.UploadOptions{Channels: t.Channels})
	default:
		var files []ccr.File
		err = work.EachName(t.Local, func(name string) { files = append(files, ccr.FileFromPath(filepath.Join(t.Local, name))) })
		if err == nil {
			_, err = c.UploadAll(ctx, files, sftp.UploadOptions{})
		}
	}
	return err
}
