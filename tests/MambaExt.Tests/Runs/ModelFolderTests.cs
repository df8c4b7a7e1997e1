using System.Text.Json.Nodes;
using MambaExt.Runs;
using MambaExt.Tests.Shared;
using TorchSharp;
using static TorchSharp.torch;

namespace MambaExt.Tests.Runs;

public sealed class ModelFolderTests : TensorTests, IDisposable
{
    private readonly TemporaryFolder _folder = new();

    void IDisposable.Dispose()
    {
        base.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public void A_model_comes_back_with_config_and_labels()
    {
        using var model = nn.Sequential(nn.Linear(3, 2), nn.BatchNorm1d(2));
        ModelFolder.Save(_folder.Path, model, new JsonObject { ["kind"] = "toy", ["width"] = 3 }, ["größer", "kleiner"]);
        Assert.Equal(["config.json", "labels.json", "model.safetensors"], Directory.GetFiles(_folder.Path).Select(Path.GetFileName).Order(StringComparer.Ordinal));
        var (config, labels) = ModelFolder.Read(_folder.Path, "toy");
        Assert.Equal(3, (int)config["width"]!);
        Assert.Equal(["größer", "kleiner"], labels);
        using var other = nn.Sequential(nn.Linear(3, 2), nn.BatchNorm1d(2));
        ModelFolder.LoadInto(other, _folder.Path);
        Assert.All(model.parameters().Zip(other.parameters()), p => TensorAssert.Same(p.First, p.Second));
    }

    [Theory]
    [InlineData("{\"kind\":\"other\"}", "\"other\"")]
    [InlineData("{\"kind\":7}", "7")]
    [InlineData("{}", "(none)")]
    public void Another_kind_is_refused(string config, string given)
    {
        Save();
        File.WriteAllText(_folder.File("config.json"), config);
        Refusal.Of<InvalidDataException>(() => ModelFolder.Read(_folder.Path, "toy"), given, "not 'toy'", "use the command");
    }

    [Fact]
    public void A_folder_without_a_model_is_refused()
    {
        Refusal.Of<DirectoryNotFoundException>(() => ModelFolder.Read(_folder.Path, "toy"), "no model folder", "give one");
        Save();
        File.Delete(_folder.File("model.safetensors"));
        Refusal.Of<DirectoryNotFoundException>(() => ModelFolder.Read(_folder.Path, "toy"), "no model folder", "give one");
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("{}")]
    [InlineData("null")]
    [InlineData("[1]")]
    [InlineData("[null]")]
    public void Labels_that_are_missing_or_no_list_of_names_are_refused(string? labels)
    {
        Save();
        File.Delete(_folder.File("labels.json"));
        if (labels is not null)
        {
            File.WriteAllText(_folder.File("labels.json"), labels);
        }

        Refusal.Of<InvalidDataException>(() => ModelFolder.Read(_folder.Path, "toy"), "list of class names", "restore");
    }

    [Fact]
    public void Another_shape_or_name_is_refused_and_the_model_stays_as_it_was()
    {
        Save();
        using var wide = nn.Linear(4, 2);
        Tensor before = wide.weight.detach().clone();
        string message = Assert.Throws<InvalidDataException>(() => ModelFolder.LoadInto(wide, _folder.Path)).Message;
        Assert.Contains("weight [2, 3] for [2, 4]", message, StringComparison.Ordinal);
        TensorAssert.Same(before, wide.weight);
        using var bare = nn.Linear(3, 2, hasBias: false);
        Assert.Contains("1 unexpected: bias", Assert.Throws<InvalidDataException>(() => ModelFolder.LoadInto(bare, _folder.Path)).Message, StringComparison.Ordinal);
    }

    private void Save()
    {
        using var model = nn.Linear(3, 2);
        ModelFolder.Save(_folder.Path, model, new JsonObject { ["kind"] = "toy" }, ["a", "b"]);
    }
}
