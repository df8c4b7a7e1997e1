global using MambaExt.Tests.Shared;
global using Xunit;
