using System.Text.Json;
using MambaExt.Cli.Tests.Support;

namespace MambaExt.Cli.Tests;

public class VerifyTests
{
    [Fact]
    public async Task Json_has_the_keys_of_the_contract()
    {
        using TemporaryFolder folder = Mixed();
        Answer answer = await CliRun.Here("verify", folder.Path, "--vector-bits", "128", "256", "--json");
        Assert.Equal(2, answer.Code);
        using JsonDocument result = JsonShape.AssertGolden("verify.txt", answer.Out);
        Assert.Equal((2, 2, 1), (Number(result, "passed"), Number(result, "failed"), Number(result, "skipped")));
        Assert.Equal([128, 256], result.RootElement.GetProperty("files").EnumerateArray().Take(2).Select(f => f.GetProperty("vector_bits").GetInt32()));
        Assert.Empty(answer.Error);
    }

    [Fact]
    public async Task Lines_name_kernel_and_width_and_the_last_one_counts()
    {
        using TemporaryFolder folder = Mixed();
        Answer answer = await CliRun.Here("verify", folder.Path, "--vector-bits", "512");
        string[] lines = answer.Out.TrimEnd().ReplaceLineEndings("\n").Split('\n');
        Assert.Equal(2, answer.Code);
        Assert.StartsWith("pass  conv_", lines[0], StringComparison.Ordinal);
        Assert.Contains("512 bits", lines[0], StringComparison.Ordinal);
        Assert.StartsWith("FAIL  scan_truncated: ", lines[1], StringComparison.Ordinal);
        Assert.StartsWith("skip  unknown: ", lines[2], StringComparison.Ordinal);
        Assert.Equal("1 passed, 1 failed, 1 skipped", lines[3]);
    }

    [Fact]
    public async Task A_folder_of_right_files_is_done()
    {
        using TemporaryFolder folder = Mixed();
        File.Delete(folder.File("scan_truncated.safetensors"));
        Answer answer = await CliRun.Here("verify", folder.Path, "--vector-bits", "256", "--threads", "2");
        Assert.Equal(0, answer.Code);
        Assert.EndsWith("1 passed, 0 failed, 1 skipped", answer.Out.TrimEnd(), StringComparison.Ordinal);
    }

    /// <summary>A right file, a truncated one and one that no kernel computes.</summary>
    private static TemporaryFolder Mixed()
    {
        string right = Directory.EnumerateFiles(SharedData.Require("golden", "scan"), "conv_*.safetensors").Order(StringComparer.Ordinal).First();
        byte[] bytes = File.ReadAllBytes(right);
        var folder = new TemporaryFolder();
        File.WriteAllBytes(folder.File(Path.GetFileName(right)), bytes);
        File.WriteAllBytes(folder.File("scan_truncated.safetensors"), bytes[..^10]);
        File.WriteAllBytes(folder.File("unknown.safetensors"), bytes);
        return folder;
    }

    private static int Number(JsonDocument document, string name) => document.RootElement.GetProperty(name).GetInt32();
}
