MambaExt.Compute.KeepFreedMemory();
return await MambaExt.Cli.CommandLine.RunAsync(args);
