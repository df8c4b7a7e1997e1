using System.Text.Json;
using MambaExt.Cli.Tests.Support;

namespace MambaExt.Cli.Tests;

public class BenchGraphTests
{
    [Fact]
    public async Task Json_has_the_keys_of_the_contract()
    {
        Answer answer = await CliRun.Line("bench graph --sizes 300,200 --rounds 2 --threads 1 --json");
        Assert.True(answer.Code == 0, answer.Error);
        using JsonDocument result = JsonShape.AssertGolden("bench-graph.txt", answer.Out);
        JsonElement[] sizes = [.. result.RootElement.GetProperty("sizes").EnumerateArray()];
        Assert.Equal([200, 300], sizes.Select(s => s.GetProperty("vertices").GetInt32()));
        Assert.All(sizes, s => Assert.InRange(s.GetProperty("edges").GetInt64(), 4.5 * s.GetProperty("vertices").GetInt32(), 5.0 * s.GetProperty("vertices").GetInt32()));
        Assert.All(sizes, s => Assert.True(s.GetProperty("walk_steps_per_second").GetDouble() > 1e4));
    }

    [Fact]
    public async Task Table_fits_into_80_columns()
    {
        Answer answer = await CliRun.Line("bench graph --sizes 200 --rounds 1 --threads 1");
        Assert.Equal(0, answer.Code);
        Assert.All(answer.Out.Split('\n').Skip(1), line => Assert.True(line.TrimEnd('\r').Length <= 80, line));
    }

    [Theory]
    [InlineData("ten", "'ten'", "100 to 10000000")]
    [InlineData("99", "'99'")]
    [InlineData("10000000", "10,000,000", "GB")]
    public async Task Sizes_that_cannot_be_measured_are_refused(string sizes, params string[] words) => (await CliRun.Line($"bench graph --sizes {sizes}")).Refuses(1, words);
}
