using System.Text.Json;
using MambaExt.Cli.Tests.Support;
using MambaExt.Tests.Shared;

namespace MambaExt.Cli.Tests;

public class BenchCommTests
{
    private const string Program = "MambaExt.Cli.dll";

    [Fact]
    public async Task Json_of_rank_0_alone_has_the_keys_of_the_contract()
    {
        MpiAnswer answer = await MpiRun.Ranks(2, Program, ["bench", "comm", "--rounds", "3", "--json"], environment: [("TERM", "xterm")]);
        Assert.True(answer.Code == 0, answer.Text);
        Assert.StartsWith("{", answer.Out, StringComparison.Ordinal);
        using JsonDocument result = JsonShape.AssertGolden("bench-comm.txt", answer.Out);
        Assert.Equal(2, result.RootElement.GetProperty("ranks").GetInt32());
        Assert.Equal(1, result.RootElement.GetProperty("hosts").GetInt32());
        Assert.StartsWith("Open MPI", result.RootElement.GetProperty("library").GetString(), StringComparison.Ordinal);
        JsonElement[] sizes = [.. result.RootElement.GetProperty("sizes").EnumerateArray()];
        Assert.Equal([1, 10, 100], sizes.Select(size => size.GetProperty("bytes").GetInt64() >> 20));
        Assert.All(sizes, size => Assert.InRange(size.GetProperty("best_ms").GetDouble(), 0.001, size.GetProperty("median_ms").GetDouble()));
    }

    [Fact]
    public async Task Table_has_a_line_a_size_and_80_columns()
    {
        MpiAnswer answer = await MpiRun.Ranks(2, Program, ["bench", "comm", "--rounds", "1"]);
        Assert.True(answer.Code == 0, answer.Text);
        Assert.StartsWith("2 ranks on 1 host(s), Open MPI", answer.Out, StringComparison.Ordinal);
        Assert.Equal(["1", "10", "100"], answer.Lines[^3..].Select(line => line.Split(' ')[0]));
        Assert.All(answer.Lines.Skip(1), line => Assert.True(line.Length <= 80, line));
    }

    [Fact]
    public async Task One_process_measures_nothing_and_says_how_to_start_more() =>
        (await CliRun.Line("bench comm")).Refuses(1, "one rank", "mpirun -n 2 mambaext bench comm");
}
