using System.Text.Json.Nodes;
using MambaExt.Checkpoints;
using MambaExt.Models;
using MambaExt.Tests.Shared;
using TorchSharp;
using static TorchSharp.torch;

namespace MambaExt.Tests.Models;

public sealed class LmCheckpointTests : TensorTests
{
    public static TheoryData<LmOptions> Every() => LanguageModelTests.Every();

    [Theory]
    [MemberData(nameof(Every))]
    public void A_saved_model_comes_back(LmOptions options)
    {
        using var folder = new TemporaryFolder();
        using LanguageModel model = LanguageModelTests.Make(options);
        LmCheckpoint.Save(folder.Path, model);
        using LanguageModel loaded = LmCheckpoint.Load(folder.Path);
        Tensor ids = randint(0, 21, [2, 9], ScalarType.Int64);
        TensorAssert.Same(model.forward(ids).detach(), loaded.forward(ids).detach());
        Assert.Equal(["config.json", "model.safetensors"], Directory.GetFiles(folder.Path).Select(f => Path.GetFileName(f)).Order());
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void The_transformers_style_gives_the_same_model(bool second)
    {
        using var folder = new TemporaryFolder();
        using LanguageModel model = LanguageModelTests.Make(second ? LanguageModelTests.Second : LanguageModelTests.First);
        string rest = second
            ? """ "model_type": "mamba2", "state_size": 4, "head_dim": 4, "num_heads": 4, "n_groups": 1, "vocab_size": 32, "time_step_limit": [0.0, Infinity] """
            : """ "model_type": "mamba", "state_size": 4, "time_step_rank": 1, "intermediate_size": 16, "vocab_size": 24 """;
        File.WriteAllText(folder.File("config.json"), $$"""{ "hidden_size": 8, "num_hidden_layers": 2, "conv_kernel": 4, "expand": 2, "layer_norm_epsilon": 1e-05, "hidden_act": "silu", {{rest}} }""");
        Save(folder, model, name => name.Replace("backbone.embedding.", "backbone.embeddings.", StringComparison.Ordinal));
        using LanguageModel loaded = LmCheckpoint.Load(folder.Path);
        Tensor ids = randint(0, 21, [2, 9], ScalarType.Int64);
        TensorAssert.Same(model.forward(ids).detach(), loaded.forward(ids).detach());
    }

    [Fact]
    public void The_published_config_of_either_style_is_understood()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder.File("config.json"), """
            {"d_model": 768, "d_intermediate": 0, "n_layer": 24, "vocab_size": 50277, "ssm_cfg": {"layer": "Mamba2"}, "attn_layer_idx": [], "attn_cfg": {},
             "rms_norm": true, "residual_in_fp32": true, "fused_add_norm": true, "pad_vocab_size_multiple": 16, "tie_embeddings": true}
            """);
        Assert.Equal(128_989_632, LmConfig.Read(folder.File("config.json")).ParameterCount);
        File.WriteAllText(folder.File("config.json"), """{"d_model": 768, "n_layer": 24, "vocab_size": 50277, "ssm_cfg": {}, "rms_norm": true, "pad_vocab_size_multiple": 8}""");
        Assert.Equal(129_135_360, LmConfig.Read(folder.File("config.json")).ParameterCount);
    }

    [Fact]
    public void Narrow_weights_and_a_stored_tied_head_are_taken()
    {
        using var folder = new TemporaryFolder();
        using LanguageModel model = LanguageModelTests.Make(LanguageModelTests.First);
        LmCheckpoint.Save(folder.Path, model);
        Tensor embedding = model.get_parameter("backbone.embedding.weight")!.detach().to_type(ScalarType.BFloat16);
        Save(folder, model, name => name, ("lm_head.weight", embedding));
        using LanguageModel loaded = LmCheckpoint.Load(folder.Path);
        TensorAssert.Same(embedding.to_type(ScalarType.Float32), loaded.get_parameter("backbone.embedding.weight"));
        using LanguageModel narrow = LmCheckpoint.Load(folder.Path, ScalarType.BFloat16);
        TensorAssert.Same(embedding, narrow.get_parameter("backbone.embedding.weight"));
    }

    [Theory]
    [InlineData("n_layer", "3", "no 'backbone.layers.2.norm.weight'")]
    [InlineData("n_layer", "1", "backbone.layers.1")]
    [InlineData("d_model", "1000000000", "cannot be")]
    [InlineData("d_model", "16", "of shape [24, 8]", "[24, 16]")]
    [InlineData("vocab_size", "\"many\"", "'vocab_size'", "a whole number")]
    [InlineData("vocab_size", "-5", "cannot be", "vocab_size -5")]
    [InlineData("ssm_cfg", "7", "'ssm_cfg'", "an object")]
    [InlineData("ssm_cfg", "{\"layer\": \"Mamba9\"}", "'ssm_cfg.layer'", "Mamba1 or Mamba2")]
    [InlineData("rms_norm", "false", "'rms_norm'", "layer norm")]
    [InlineData("attn_layer_idx", "[1]", "'attn_layer_idx'", "attention")]
    [InlineData("d_intermediate", "64", "'d_intermediate'", "MLP")]
    [InlineData("tie_embeddings", "false", "no 'lm_head.weight'")]
    public void A_config_that_does_not_fit_is_refused(string key, string value, params string[] words)
    {
        using var folder = new TemporaryFolder();
        using LanguageModel model = LanguageModelTests.Make(LanguageModelTests.First);
        LmCheckpoint.Save(folder.Path, model);
        JsonObject config = JsonNode.Parse(File.ReadAllText(folder.File("config.json")))!.AsObject();
        config[key] = JsonNode.Parse(value);
        File.WriteAllText(folder.File("config.json"), config.ToJsonString());
        string message = Assert.Throws<InvalidDataException>(() => LmCheckpoint.Load(folder.Path)).Message;
        Assert.All(words, word => Assert.Contains(word, message, StringComparison.Ordinal));
        Assert.DoesNotContain('\n', message);
    }

    [Fact]
    public void Damaged_and_absent_files_are_refused()
    {
        using var folder = new TemporaryFolder();
        using LanguageModel model = LanguageModelTests.Make(LanguageModelTests.First);
        Refusal.Of<FileNotFoundException>(() => LmCheckpoint.Load(folder.Path), "config.json", "does not exist");
        LmCheckpoint.Save(folder.Path, model);
        Save(folder, model, name => name, ("lm_head.weight", randn(24, 8)));
        Assert.Contains("'lm_head.weight' of its own", Assert.Throws<InvalidDataException>(() => LmCheckpoint.Load(folder.Path)).Message, StringComparison.Ordinal);
        Save(folder, model, name => name, ("backbone.embeddings.weight", randn(24, 8)));
        Assert.Contains("both of its names", Assert.Throws<InvalidDataException>(() => LmCheckpoint.Load(folder.Path)).Message, StringComparison.Ordinal);
        File.WriteAllBytes(folder.File("model.safetensors"), File.ReadAllBytes(folder.File("model.safetensors"))[..^5]);
        Assert.Throws<InvalidDataException>(() => LmCheckpoint.Load(folder.Path));
        File.Delete(folder.File("model.safetensors"));
        Refusal.Of<FileNotFoundException>(() => LmCheckpoint.Load(folder.Path), "model.safetensors", "convert");
        foreach (string text in new[] { "", "[1]", "{\"d_model\": 1, \"d_model\": 2}", "{", new string('x', 2_000_000) })
        {
            File.WriteAllText(folder.File("config.json"), text);
            Assert.Throws<InvalidDataException>(() => LmCheckpoint.Load(folder.Path));
        }
    }

    private static void Save(TemporaryFolder folder, LanguageModel model, Func<string, string> rename, params (string, Tensor)[] more)
    {
        ScalarType type = more.Length > 0 ? more[0].Item2.dtype : ScalarType.Float32;
        SafetensorsTensors.Save(folder.File("model.safetensors"), [.. model.named_parameters().Select(p => (rename(p.name), ((Tensor)p.parameter).detach().to_type(type))), .. more]);
    }
}
