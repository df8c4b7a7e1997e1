global using MambaExt.Tests.Shared;

// Commands write to the one console of the process.
[assembly: CollectionBehavior(DisableTestParallelization = true)]
