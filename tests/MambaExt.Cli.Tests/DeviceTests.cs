using MambaExt.Cli.Tests.Support;

namespace MambaExt.Cli.Tests;

/// <summary><c>--device cuda</c> where there is no GPU: a sentence, never the CPU in its place.</summary>
public class DeviceTests
{
    [Theory]
    [InlineData("graph train --dataset minesweeper-grid --device cuda", 1, "sees no NVIDIA GPU", "-p:MambaExtBackend=cuda")]
    [InlineData("bench scan --shape 1x8x4x3 --device cuda", 1, "sees no NVIDIA GPU", "leave the option out")]
    [InlineData("bench scan --shape 1x8x4x3 --dtype bfloat16", 1, "--dtype is 'bfloat16'", "--device cuda")]
    [InlineData("verify {golden} --device cuda", 2, "driver", "install")]
    [InlineData("verify {golden} --device cuda --vector-bits 128", 1, "--vector-bits chooses a CPU kernel", "one of the two")]
    public async Task A_gpu_that_is_not_there_is_named(string line, int code, params string[] mentions)
    {
        Assert.SkipWhen(File.Exists("/dev/nvidiactl") || OperatingSystem.IsWindows(), "this machine may have an NVIDIA GPU");
        (await CliRun.Line(line.Replace("{golden}", SharedData.Require("golden", "scan"), StringComparison.Ordinal))).Refuses(code, mentions);
    }
}
