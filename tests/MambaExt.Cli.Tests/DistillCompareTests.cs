using System.Text.Json;
using System.Text.Json.Nodes;
using MambaExt.Cli.Tests.Support;

namespace MambaExt.Cli.Tests;

public sealed class DistillCompareTests
{
    [Fact]
    public async Task Modes_share_their_teachers_and_what_is_done_is_not_done_again()
    {
        using var folder = new TemporaryFolder();
        string[] line = ["distill", "compare", "--dataset", "digits", "--epochs", "1", "--threads", "1", "--out", folder.Path];
        Answer first = await CliRun.Here([.. line, "--modes", "joint", "--json"]);
        Assert.True(first.Code == 0, first.Error);
        string teacher = Path.Combine(folder.Path, "digits", "joint", "models", "seed-0", "teacher", "model.safetensors");
        byte[] before = File.ReadAllBytes(teacher);
        Answer second = await CliRun.Here([.. line, "--modes", "joint,independent", "--json"]);
        Assert.True(second.Code == 0, second.Error);
        Assert.Contains("joint, digits: done before", second.Error, StringComparison.Ordinal);
        Assert.Equal(before, File.ReadAllBytes(teacher));
        Assert.False(Directory.Exists(Path.Combine(folder.Path, "digits", "independent", "models", "seed-0", "teacher")));
        using JsonDocument document = JsonShape.AssertGolden("distill-compare.txt", second.Out);
        JsonElement[] cells = [.. document.RootElement.GetProperty("cells").EnumerateArray()];
        Assert.Equal(["joint", "independent"], cells.Select(c => c.GetProperty("mode").GetString()));
        Assert.Equal(cells[0].GetProperty("teacher").GetProperty("accuracy").GetDouble(), cells[1].GetProperty("teacher").GetProperty("accuracy").GetDouble());
        Assert.True(JsonNode.DeepEquals(JsonNode.Parse(cells[0].GetRawText()), JsonNode.Parse(first.Out)!["cells"]![0]));
        Assert.True(File.Exists(Path.Combine(folder.Path, "report.html")));
        Answer table = await CliRun.Here([.. line, "--modes", "joint,independent"]);
        Assert.True(table.Code == 0, table.Error);
        Assert.Contains("independent, digits: done before", table.Error, StringComparison.Ordinal);
        Assert.Matches(@"\n\s+prefix\s+% of teacher\s+joint\s+independent\s", table.Out);
        JsonElement last = cells[1].GetProperty("prefixes")[3];
        Assert.Matches(FormattableString.Invariant($@"\n\s+4\s+{100 * last.GetProperty("flops_fraction").GetDouble():f1}\s+{cells[0].GetProperty("prefixes")[3].GetProperty("accuracy").GetDouble():f2}\s+{last.GetProperty("accuracy").GetDouble():f2}\s"), table.Out);
        Answer other = await CliRun.Here([.. line, "--modes", "joint", "--seeds", "2"]);
        Assert.Equal(2, other.Code);
        Assert.Contains("cannot be resumed", other.Error, StringComparison.Ordinal);
    }
}
