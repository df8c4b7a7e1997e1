using System.Text.Json;
using MambaExt.Cli.Tests.Support;
using MambaExt.Graph.DataSets;
using MambaExt.Graph.Tokens;

namespace MambaExt.Cli.Tests;

public sealed class GraphTokensTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("mambaext-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task Json_has_the_keys_of_the_contract_and_the_tokens_of_a_training()
    {
        Answer answer = await CliRun.Line("graph tokens --dataset minesweeper-grid --M 4 --m 2 --s 2 --seed 3 --vertex 5050 --threads 1 --json");
        Assert.True(answer.Code == 0, answer.Error);
        using JsonDocument result = JsonShape.AssertGolden("graph-tokens.txt", answer.Out);
        WalkTokens tokens = WalkTokens.Sample(GraphDataSets.Load("minesweeper-grid").Graph, new WalkTokenOptions(4, 2, 2, 3), token: TestContext.Current.CancellationToken);
        Assert.Equal(tokens.Vertices.Length, result.RootElement.GetProperty("entries").GetInt64());
        JsonElement[] shown = [.. result.RootElement.GetProperty("vertex").EnumerateArray()];
        Assert.Equal(5, shown.Length);
        for (int p = 0; p < 5; p++)
        {
            Assert.Equal(tokens.Token(5050, p).ToArray().Select(v => $"{v}"), shown[p].GetProperty("vertices").EnumerateArray().Select(v => v.GetString()));
        }

        JsonElement[] lengths = [.. result.RootElement.GetProperty("lengths").EnumerateArray()];
        Assert.Equal([2, 1, 0], lengths.Select(l => l.GetProperty("length").GetInt32()));

        // Inside of the field 9 vertices lie within a step and 25 within two.
        Assert.InRange(lengths[1].GetProperty("ball_mean").GetDouble(), 8.5, 9);
        Assert.InRange(lengths[0].GetProperty("ball_mean").GetDouble(), 23.5, 25);
        Assert.Equal(1, lengths[2].GetProperty("coverage").GetDouble());

        // Four walks of a step find 1 + 8 (1 - (7/8)^4) of 9 vertices, 0.479, a little more at the edge of the field.
        Assert.InRange(lengths[1].GetProperty("coverage").GetDouble(), 0.46, 0.51);
    }

    [Fact]
    public async Task A_file_holds_the_tokens_of_a_graph_of_ones_own()
    {
        string edges = Path.Combine(_folder, "edges.csv"), file = Path.Combine(_folder, "tokens.csv");
        File.WriteAllText(edges, "a,b\nb,c\n");
        Answer answer = await CliRun.Here("graph", "tokens", "--graph", edges, "--header", "no", "--M", "64", "--m", "2", "--vertex", "a", "--out", file, "--threads", "1");
        Assert.True(answer.Code == 0, answer.Error);

        // 64 walks miss neither neighbour.
        Assert.Equal(
            [
                "vertex,position,length,repeat,vertices", "a,0,2,0,a b c", "a,1,1,0,a b", "a,2,0,0,a", "b,0,2,0,a b c", "b,1,1,0,a b c", "b,2,0,0,b", "c,0,2,0,a b c", "c,1,1,0,b c", "c,2,0,0,c",
            ],
            File.ReadAllLines(file));
        Assert.Contains("2 steps: a b c", answer.Out, StringComparison.Ordinal);
        Assert.All(answer.Out.Split('\n').Where(line => !line.StartsWith("Tokens:", StringComparison.Ordinal)), line => Assert.True(line.Length <= 100, line));
    }

    [Fact]
    public async Task What_is_not_there_is_refused()
    {
        (await CliRun.Line("graph tokens --dataset minesweeper-grid --vertex 10000")).Refuses(1, "'10000'", "0 to 9999");
        (await CliRun.Line("graph tokens")).Refuses(1, "--dataset is missing");
        (await CliRun.Line("graph tokens --dataset minesweeper-grid --m 65535 --M 65536")).Refuses(1, "GiB");
    }
}
