using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using MambaExt.Blocks;

namespace MambaExt.Models;

/// <summary>The config.json of a published model, of either family and either style: that of the authors' package (d_model, n_layer,
/// ssm_cfg) and that of the transformers library (model_type, hidden_size, state_size).</summary>
internal sealed partial class LmConfig
{
    private const int MostBytes = 1 << 20;
    private readonly string _path;
    private readonly JsonObject _root;

    private LmConfig(string path, JsonObject root) => (_path, _root) = (path, root);

    /// <summary>Reads the sizes.</summary>
    /// <exception cref="InvalidDataException">The file is no config, or one of a model that is not implemented.</exception>
    public static LmOptions Read(string path)
    {
        var config = new LmConfig(path, Parse(path));
        try
        {
            LmOptions options = config._root.ContainsKey("model_type") && config._root.ContainsKey("hidden_size") ? config.Transformers() : config.Original();
            options.Validate();
            return options;
        }
        catch (ArgumentException e)
        {
            throw new InvalidDataException($"'{path}' describes a model that cannot be: {e.Message}", e);
        }
    }

    /// <summary>The sizes in the authors' style.</summary>
    public static JsonObject Write(LmOptions options)
    {
        JsonObject mixer = options is Mamba2LmOptions second
            ? new JsonObject
            {
                ["layer"] = "Mamba2", ["d_state"] = second.mixer.d_state, ["d_conv"] = second.mixer.d_conv, ["expand"] = second.mixer.expand, ["headdim"] = second.mixer.headdim,
                ["ngroups"] = second.mixer.ngroups, ["D_has_hdim"] = second.mixer.D_has_hdim, ["rmsnorm"] = second.mixer.rmsnorm, ["norm_before_gate"] = second.mixer.norm_before_gate,
                ["bias"] = second.mixer.bias, ["conv_bias"] = second.mixer.conv_bias, ["dt_limit"] = new JsonArray(second.mixer.dt_limit.Least, Math.Min(second.mixer.dt_limit.Largest, 1e300)),
            }
            : First(((MambaLmOptions)options).mixer);
        return new JsonObject
        {
            ["d_model"] = options.d_model, ["n_layer"] = options.n_layer, ["vocab_size"] = options.vocab_size, ["ssm_cfg"] = mixer, ["rms_norm"] = true,
            ["norm_epsilon"] = options.norm_eps, ["pad_vocab_size_multiple"] = options.pad_vocab_size_multiple, ["tie_embeddings"] = options.tie_embeddings,
        };

        static JsonObject First(MambaOptions m) => new()
        {
            ["layer"] = "Mamba1", ["d_state"] = m.d_state, ["d_conv"] = m.d_conv, ["expand"] = m.expand, ["dt_rank"] = m.Rank, ["bias"] = m.bias, ["conv_bias"] = m.conv_bias,
        };
    }

    private static JsonObject Parse(string path)
    {
        if (!File.Exists(path))
        {
            throw new FileNotFoundException($"'{path}' does not exist; give the folder of a published model, with config.json and model.safetensors.", path);
        }

        if (new FileInfo(path).Length > MostBytes)
        {
            throw new InvalidDataException($"'{path}' is longer than {MostBytes >> 10} KiB, which no model's config is; fetch the file again.");
        }

        try
        {
            // Python writes the number Infinity, which JSON has not.
            string text = Infinity().Replace(File.ReadAllText(path), "1e999");
            return JsonNode.Parse(text, documentOptions: new JsonDocumentOptions { MaxDepth = 32 }) as JsonObject ?? throw new JsonException("no object");
        }
        catch (Exception e) when (e is JsonException or ArgumentException)
        {
            throw new InvalidDataException($"'{path}' is not a JSON object with each key once ({e.Message.TrimEnd('.')}); fetch the file again.", e);
        }
    }

    private LmOptions Original()
    {
        JsonObject mixer = _root["ssm_cfg"] switch
        {
            null => [],
            JsonObject given => given,
            _ => throw Bad("ssm_cfg", "an object"),
        };
        string layer = Text(mixer, "layer", "Mamba1");
        Refuse(Number(_root, "d_intermediate", 0) != 0, "d_intermediate", "0: blocks beside an MLP are not implemented");
        Refuse(_root["attn_layer_idx"] is JsonArray { Count: > 0 }, "attn_layer_idx", "an empty list: attention layers are not implemented");
        Refuse(!Flag(_root, "rms_norm", true), "rms_norm", "true: layer norm is not implemented");
        int model = Number(_root, "d_model"), layers = Number(_root, "n_layer"), vocabulary = Number(_root, "vocab_size");
        LmOptions options = layer switch
        {
            "Mamba1" => new MambaLmOptions(layers, vocabulary, new MambaOptions(model)
            {
                d_state = Number(mixer, "d_state", 16), d_conv = Number(mixer, "d_conv", 4), expand = Number(mixer, "expand", 2),
                dt_rank = mixer["dt_rank"] is JsonValue rank && rank.TryGetValue(out string? auto) && auto == "auto" ? 0 : Number(mixer, "dt_rank", 0),
                bias = Flag(mixer, "bias", false), conv_bias = Flag(mixer, "conv_bias", true),
            }),
            "Mamba2" => new Mamba2LmOptions(layers, vocabulary, new Mamba2Options(model)
            {
                d_state = Number(mixer, "d_state", 128), d_conv = Number(mixer, "d_conv", 4), expand = Number(mixer, "expand", 2), headdim = Number(mixer, "headdim", 64),
                ngroups = Number(mixer, "ngroups", 1), D_has_hdim = Flag(mixer, "D_has_hdim", false), rmsnorm = Flag(mixer, "rmsnorm", true),
                norm_before_gate = Flag(mixer, "norm_before_gate", false), bias = Flag(mixer, "bias", false), conv_bias = Flag(mixer, "conv_bias", true),
                dt_limit = Limits(mixer, "dt_limit"),
            }),
            _ => throw Bad("ssm_cfg.layer", "Mamba1 or Mamba2"),
        };
        return options with
        {
            pad_vocab_size_multiple = Number(_root, "pad_vocab_size_multiple", 8),
            tie_embeddings = Flag(_root, "tie_embeddings", true),
            norm_eps = Real(_root, "norm_epsilon", 1e-5),
        };
    }

    private LmOptions Transformers()
    {
        int model = Number(_root, "hidden_size"), layers = Number(_root, _root.ContainsKey("num_hidden_layers") ? "num_hidden_layers" : "n_layer"), vocabulary = Number(_root, "vocab_size");
        int expand = Number(_root, "expand", 2);
        Refuse(Text(_root, "hidden_act", "silu") != "silu", "hidden_act", "silu");
        LmOptions options = Text(_root, "model_type", "") switch
        {
            "mamba" => new MambaLmOptions(layers, vocabulary, new MambaOptions(model)
            {
                d_state = Number(_root, "state_size", 16), d_conv = Number(_root, "conv_kernel", 4), expand = expand,
                dt_rank = _root["time_step_rank"] is JsonValue rank && rank.TryGetValue(out string? auto) && auto == "auto" ? 0 : Number(_root, "time_step_rank", 0),
                bias = Flag(_root, "use_bias", false), conv_bias = Flag(_root, "use_conv_bias", true),
            }),
            "mamba2" => new Mamba2LmOptions(layers, vocabulary, new Mamba2Options(model)
            {
                d_state = Number(_root, "state_size", 128), d_conv = Number(_root, "conv_kernel", 4), expand = expand, headdim = Number(_root, "head_dim", 64),
                ngroups = Number(_root, "n_groups", 8), bias = Flag(_root, "use_bias", false), conv_bias = Flag(_root, "use_conv_bias", true), dt_limit = Limits(_root, "time_step_limit"),
                norm_eps = Real(_root, "layer_norm_epsilon", 1e-5),
            }),
            _ => throw Bad("model_type", "mamba or mamba2"),
        };
        int inner = Number(_root, "intermediate_size", checked(expand * model));
        Refuse(inner != (long)expand * model, "intermediate_size", $"expand * hidden_size, {(long)expand * model}");

        // Here vocab_size counts the padding too.
        return options with
        {
            pad_vocab_size_multiple = 1,
            tie_embeddings = Flag(_root, "tie_word_embeddings", true),
            norm_eps = Real(_root, "layer_norm_epsilon", 1e-5),
        };
    }

    private int Number(JsonObject from, string key, int? otherwise = null) => from[key] switch
    {
        null when otherwise is not null => otherwise.Value,
        JsonValue value when value.TryGetValue(out int number) => number,
        _ => throw Bad(key, "a whole number"),
    };

    private double Real(JsonObject from, string key, double otherwise) => from[key] switch
    {
        null => otherwise,
        JsonValue value when value.TryGetValue(out double number) => number,
        _ => throw Bad(key, "a number"),
    };

    private bool Flag(JsonObject from, string key, bool otherwise) => from[key] switch
    {
        null => otherwise,
        JsonValue value when value.TryGetValue(out bool flag) => flag,
        _ => throw Bad(key, "true or false"),
    };

    private string Text(JsonObject from, string key, string otherwise) => from[key] switch
    {
        null => otherwise,
        JsonValue value when value.TryGetValue(out string? text) => text,
        _ => throw Bad(key, "a text"),
    };

    private (double Least, double Largest) Limits(JsonObject from, string key) => from[key] switch
    {
        null => (0, double.PositiveInfinity),
        JsonArray { Count: 2 } pair when pair[0] is JsonValue a && pair[1] is JsonValue b && a.TryGetValue(out double least) && b.TryGetValue(out double largest) => (least, largest),
        _ => throw Bad(key, "a list of two numbers"),
    };

    private void Refuse(bool bad, string key, string allowed)
    {
        if (bad)
        {
            throw Bad(key, allowed);
        }
    }

    private InvalidDataException Bad(string key, string allowed) => Kernels.BadFile.At(_path, 0, $"another or no value of '{key}'", $"{allowed}", "take a Mamba or Mamba-2 language model");

    [GeneratedRegex(@"(?<=[\[,:\s])Infinity(?=[\s,\]}])")]
    private static partial Regex Infinity();
}
