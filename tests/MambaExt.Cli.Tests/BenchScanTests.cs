using System.Text.Json;
using MambaExt.Cli.Tests.Support;

namespace MambaExt.Cli.Tests;

public class BenchScanTests
{
    [Theory]
    [InlineData("float32", 1)]
    [InlineData("float64", 2)]
    public async Task Json_has_the_keys_of_the_contract(string type, int threads)
    {
        Answer answer = await CliRun.Line($"bench scan --shape 2x20x9x3 --rounds 2 --dtype {type} --threads {threads} --json");
        Assert.Equal(0, answer.Code);
        using JsonDocument result = JsonShape.AssertGolden("bench-scan.txt", answer.Out);
        Assert.Equal("2x20x9x3", result.RootElement.GetProperty("shape").GetString());
        Assert.Equal(type, result.RootElement.GetProperty("dtype").GetString());
        Assert.Equal(threads, result.RootElement.GetProperty("threads").GetInt32());
        double forward = result.RootElement.GetProperty("forward_ms").GetDouble(), yardstick = result.RootElement.GetProperty("yardstick_exp_ms").GetDouble();
        Assert.Equal(forward / yardstick, result.RootElement.GetProperty("forward_ratio").GetDouble(), 1e-9);
        Assert.Equal("timing 2x20x9x3", answer.Error.TrimEnd());
    }

    [Fact]
    public async Task Table_fits_into_80_columns()
    {
        Answer answer = await CliRun.Line("bench scan --shape 1x16x8x4 --rounds 1");
        Assert.Equal(0, answer.Code);
        Assert.All(answer.Out.Split('\n').Skip(1), line => Assert.True(line.TrimEnd('\r').Length <= 80, line));
        Assert.Contains("bit vectors", answer.Out, StringComparison.Ordinal);
    }
}
