using System.Text.Json;
using MambaExt.Cli.Tests.Support;
using MambaExt.Tests.Shared;

namespace MambaExt.Cli.Tests;

public sealed class DataCommandTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task List_names_every_set_and_what_is_there()
    {
        _folder.Write("deep", "minesweeper.npz");
        Answer json = await CliRun.Here("data", "list", "--data", _folder.Path, "--json");
        Assert.Equal((0, ""), (json.Code, json.Error));
        using JsonDocument result = JsonShape.AssertGolden("data-list.txt", json.Out);
        JsonElement[] sets = [.. result.RootElement.GetProperty("sets").EnumerateArray()];
        Assert.Equal(26, sets.Length);
        JsonElement Set(string name) => sets.Single(set => set.GetProperty("name").GetString() == name);
        Assert.Equal(["minesweeper", "minesweeper-grid"], sets.Where(set => set.GetProperty("present").GetBoolean()).Select(set => set.GetProperty("name").GetString()));
        Assert.Equal(_folder.File("deep"), Set("minesweeper").GetProperty("folders")[0].GetString());
        Assert.Equal(("roc_auc", "vertices", 39_402), (Set("minesweeper").GetProperty("metric").GetString(), Set("minesweeper").GetProperty("task").GetString(), Set("minesweeper").GetProperty("edges").GetInt32()));
        Assert.Equal("graphs", Set("nci1").GetProperty("task").GetString());

        JsonElement digits = result.RootElement.GetProperty("images").EnumerateArray().Single(set => set.GetProperty("name").GetString() == "digits");
        Assert.Equal((true, 1_347, 8), (digits.GetProperty("present").GetBoolean(), digits.GetProperty("train").GetInt32(), digits.GetProperty("height").GetInt32()));

        Answer table = await CliRun.Here("data", "list", "--data", _folder.Path);
        Assert.Equal((0, ""), (table.Code, table.Error));
        string[] lines = table.Out.Split('\n');
        Assert.Matches(@"minesweeper +1 +10,000 +39,402 +7 +2 +ROC AUC +yes +10 of 50 / 25 / 25 %", lines.Single(line => line.TrimStart().StartsWith("minesweeper ", StringComparison.Ordinal)));
        Assert.Matches(@"digits +1,347 +450 +1 +8x8 +10 +comes with the library", table.Out);
        Assert.Matches(@"cora +1 +2,708 .* no +1 of 140 / 500 / 1,000; geom-gcn", lines.Single(line => line.TrimStart().StartsWith("cora ", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task Check_says_which_files_differ()
    {
        _folder.Write("minesweeper.npz");
        Answer json = await CliRun.Here("data", "check", "minesweeper", "--data", _folder.Path, "--json");
        Assert.Equal((2, ""), (json.Code, json.Error));
        using JsonDocument result = JsonShape.AssertGolden("data-check.txt", json.Out);
        JsonElement file = result.RootElement.GetProperty("sets")[0].GetProperty("files")[0];
        Assert.Equal(("differs", 1, 135_045), (file.GetProperty("state").GetString(), file.GetProperty("bytes").GetInt32(), file.GetProperty("published_bytes").GetInt32()));
        Assert.Equal(1, result.RootElement.GetProperty("differing").GetInt32());
        Answer table = await CliRun.Here("data", "check", "all", "--data", _folder.Path);
        Assert.Equal(2, table.Code);
        Assert.Contains("0 files official, 1 differing, 0 unverified", table.Out, StringComparison.Ordinal);
        Assert.Contains("e664c8dacf1e8ac466c2c09ed4b237bd2c5541f47a6eae9c6092cb87f16412b3", table.Out, StringComparison.Ordinal);
        (await CliRun.Here("data", "check", "tolokers", "--data", _folder.Path)).Refuses(1, "tolokers.npz", _folder.Path);
        (await CliRun.Here("data", "check", "minesweeper-grid", "--data", _folder.Path)).Refuses(1, "no files to check");
    }

    [Fact]
    public async Task Check_finds_the_shared_files_official()
    {
        string data = SharedData.Require("data", "graph");
        Answer answer = await CliRun.Here("data", "check", "cora", "texas", "mutag", "--data", data);
        Assert.Equal((0, ""), (answer.Code, answer.Error));
        Assert.Contains("41 files official, 0 differing, 0 unverified", answer.Out, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Get_downloads_resumes_and_verifies()
    {
        string from = SharedData.Require("data", "graph", "geom-gcn", "texas");
        using var server = new FileServer();
        foreach (string file in Directory.GetFiles(from))
        {
            server.Files[Path.GetFileName(file)] = File.ReadAllBytes(file);
        }

        // The second file is cut twice: the same call goes on with it.
        server.Cuts.Enqueue(int.MaxValue);
        server.Cuts.Enqueue(100_000);
        server.Cuts.Enqueue(300_000);
        string data = Path.Combine(_folder.Path, "new", "data");
        Answer json = await CliRun.Here("data", "get", "texas", "--data", data, "--from", server.Root.AbsoluteUri, "--json");
        Assert.True(json.Code == 0, json.Error);
        using JsonDocument result = JsonShape.AssertGolden("data-get.txt", json.Out);
        Assert.All(result.RootElement.GetProperty("sets")[0].GetProperty("files").EnumerateArray(), file => Assert.True(file.GetProperty("verified").GetBoolean() && file.GetProperty("downloaded").GetBoolean()));
        Assert.Equal(["out1_node_feature_label.txt 0", "out1_node_feature_label.txt 100000", "out1_node_feature_label.txt 400000"], server.Requests.Where(request => request.Contains("label", StringComparison.Ordinal)));
        Assert.Equal(12, Directory.GetFiles(Path.Combine(data, "texas")).Length);
        Assert.Equal(0, (await CliRun.Here("data", "check", "texas", "--data", data)).Code);
        int asked = server.Requests.Count;
        Answer again = await CliRun.Here("data", "get", "texas", "--data", data, "--from", server.Root.AbsoluteUri);
        Assert.Equal((0, "", asked), (again.Code, again.Error, server.Requests.Count));
        Assert.Contains("texas: 0 files downloaded, 12 were there; all verified", again.Out, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Get_and_check_know_images_too()
    {
        string from = SharedData.Require("data", "images", "mnist");
        using var server = new FileServer();
        foreach (string file in Directory.GetFiles(from))
        {
            server.Files[Path.GetFileName(file)] = File.ReadAllBytes(file);
        }

        // The files of another set bear the same names: they stay where they are, and what is fetched lies apart.
        _folder.Write("other", "train-images-idx3-ubyte.gz");
        Answer got = await CliRun.Here("data", "get", "MNIST", "--data", _folder.Path, "--from", server.Root.AbsoluteUri);
        Assert.True(got.Code == 0, got.Error);
        Assert.Contains($"mnist: 4 files downloaded, 0 were there; all verified: {_folder.File("mnist")}", got.Out, StringComparison.Ordinal);
        Answer check = await CliRun.Here("data", "check", "mnist", "--data", _folder.Path);
        Assert.Equal((0, ""), (check.Code, check.Error));
        Assert.Contains("4 files official, 0 differing, 0 unverified", check.Out, StringComparison.Ordinal);
        (await CliRun.Here("data", "check", "digits", "--data", _folder.Path)).Refuses(1, "digits", "no published files");
        (await CliRun.Here("data", "get", "digits", "--data", _folder.Path)).Refuses(1, "comes with the library");
        (await CliRun.Here("data", "get", "cub200", "--data", _folder.Path)).Refuses(1, "cannot be downloaded", "CUB_200_2011");
        (await CliRun.Here("data", "get", "mnits", "--data", _folder.Path)).Refuses(1, "did you mean mnist?");
    }

    [Fact]
    public async Task Get_refuses_another_file_and_leaves_none()
    {
        using var server = new FileServer();
        server.Files["minesweeper.npz"] = new byte[135_045];
        Answer answer = await CliRun.Here("data", "get", "minesweeper", "--data", _folder.Path, "--from", server.Root.AbsoluteUri);
        answer.Ends(2, "minesweeper.npz", "SHA-256", "e664c8dacf1e8ac466c2c09ed4b237bd2c5541f47a6eae9c6092cb87f16412b3");
        Assert.Empty(Directory.GetFiles(_folder.Path, "*", SearchOption.AllDirectories));
        (await CliRun.Here("data", "get", "tolokers", "--data", _folder.Path, "--from", server.Root.AbsoluteUri)).Refuses(2, "tolokers.npz", "404");
    }

    [Fact]
    public async Task Get_can_be_interrupted_and_goes_on()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "a signal is sent, which Windows has not");
        byte[] file = File.ReadAllBytes(SharedData.Require("data", "graph", "heterophilous", "minesweeper.npz"));
        using (var silent = new FileServer { Silent = true })
        {
            silent.Files["minesweeper.npz"] = file;
            Answer answer = await CliRun.Process(
                ["data", "get", "minesweeper", "--data", _folder.Path, "--from", silent.Root.AbsoluteUri],
                atFirstProgress: process => System.Diagnostics.Process.Start("kill", ["-INT", $"{process.Id}"]).WaitForExit());
            Assert.Equal(130, answer.Code);
            Assert.Contains("what has come is kept", answer.Error, StringComparison.Ordinal);
        }

        string there = Assert.Single(Directory.GetFiles(_folder.Path, "*", SearchOption.AllDirectories));
        Assert.EndsWith("minesweeper.npz.partial", there, StringComparison.Ordinal);
        using var server = new FileServer();
        server.Files["minesweeper.npz"] = file;
        Assert.Equal(0, (await CliRun.Here("data", "get", "minesweeper", "--data", _folder.Path, "--from", server.Root.AbsoluteUri)).Code);
        Assert.NotEqual("minesweeper.npz 0", Assert.Single(server.Requests));
    }
}
