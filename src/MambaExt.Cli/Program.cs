return await MambaExt.Cli.CommandLine.RunAsync(args);
