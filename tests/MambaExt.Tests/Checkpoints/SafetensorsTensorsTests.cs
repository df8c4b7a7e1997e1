using MambaExt.Checkpoints;
using MambaExt.Tests.Shared;
using TorchSharp;
using TorchSharp.Modules;
using Xunit;
using static TorchSharp.torch;

namespace MambaExt.Tests.Checkpoints;

public sealed class SafetensorsTensorsTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("mambaext").FullName;
    private readonly DisposeScope scope = NewDisposeScope();

    public void Dispose()
    {
        scope.Dispose();
        Directory.Delete(folder, recursive: true);
    }

    private string FileName => Path.Combine(folder, "model.safetensors");

    [Fact]
    public void Save_then_load_gives_back_every_type()
    {
        ScalarType[] types =
        [
            ScalarType.Float64, ScalarType.Float32, ScalarType.Float16, ScalarType.BFloat16, ScalarType.Int64,
            ScalarType.Int32, ScalarType.Int16, ScalarType.Int8, ScalarType.Byte, ScalarType.Bool,
        ];
        SafetensorsTensors.Save(FileName, types.Select(type => (type.ToString(), arange(6).reshape(2, 3).to(type))));
        Dictionary<string, Tensor> read = SafetensorsTensors.Load(FileName);
        Assert.Equal(types.Length, read.Count);
        Assert.All(types, type => Assert.True(arange(6).reshape(2, 3).to(type).Equals(read[type.ToString()]), type.ToString()));
        Assert.All(types, type => Assert.Equal(type, read[type.ToString()].dtype));
    }

    [Fact]
    public void Save_of_views_writes_what_they_show()
    {
        Tensor whole = arange(24, dtype: ScalarType.Float32).reshape(4, 6);
        (string, Tensor)[] views = [("t", whole.t()), ("slice", whole[TensorIndex.Slice(1, 3), TensorIndex.Slice(0, 6, 2)]), ("row", whole[2]), ("broadcast", ones(1, 3).expand(2, 3)), ("scalar", tensor(3.5)), ("empty", zeros(0, 4))];
        SafetensorsTensors.Save(FileName, views);
        Dictionary<string, Tensor> read = SafetensorsTensors.Load(FileName);
        foreach ((string name, Tensor view) in views)
        {
            Assert.Equal(view.shape, read[name].shape);
            Assert.True(view.Equals(read[name]), name);
        }

        Assert.Equal(23f, whole[3, 5].item<float>()); // the inputs are still alive
    }

    [Fact]
    public void Save_and_load_leave_no_tensor_behind()
    {
        Tensor value = arange(24).reshape(4, 6).t();
        SafetensorsTensors.Save(FileName, [("a", value)]);
        foreach (Tensor tensor in SafetensorsTensors.Load(FileName).Values)
        {
            tensor.Dispose();
        }

        long before = Tensor.TotalCount;
        SafetensorsTensors.Save(FileName, [("a", value), ("b", value)]);
        foreach (Tensor tensor in SafetensorsTensors.Load(FileName).Values)
        {
            tensor.Dispose();
        }

        Assert.Equal(before, Tensor.TotalCount);
    }

    [Fact]
    public void SaveModule_then_LoadInto_carries_parameters_and_buffers()
    {
        using Sequential saved = Model(4), loaded = Model(4);
        using (Tensor grown = saved.forward(randn(8, 3) + 2))
        {
            SafetensorsTensors.SaveModule(saved, FileName, new Dictionary<string, string> { ["epoch"] = "3" });
        }

        IReadOnlyDictionary<string, string> metadata = SafetensorsTensors.LoadInto(loaded, FileName);

        Assert.Equal("3", metadata["epoch"]);
        saved.eval();
        loaded.eval();
        Tensor probe = randn(5, 3);
        Assert.True(saved.forward(probe).Equals(loaded.forward(probe)));
        Assert.Equal(1L, loaded.named_buffers().Single(b => b.name.EndsWith("num_batches_tracked", StringComparison.Ordinal)).buffer.item<long>());
        Assert.All(loaded.parameters(), parameter => Assert.True(parameter.requires_grad));
    }

    [Fact]
    public void LoadInto_lists_all_differences_and_changes_nothing()
    {
        using Sequential module = Model(4);
        Dictionary<string, Tensor> state = module.named_parameters().ToDictionary(p => p.name, p => (Tensor)p.parameter);
        SafetensorsTensors.Save(FileName, [("first.weight", zeros(9, 3)), ("first.bias", zeros(4)), ("norm.num_batches_tracked", ones([], ScalarType.Float32)), ("other", zeros(1))]);
        float before = state["first.bias"].abs().sum().item<float>();

        InvalidDataException error = Assert.Throws<InvalidDataException>(() => SafetensorsTensors.LoadInto(module, FileName));

        Assert.Contains("4 missing: norm.bias, norm.running_mean, norm.running_var, norm.weight", error.Message, StringComparison.Ordinal);
        Assert.Contains("1 unexpected: other", error.Message, StringComparison.Ordinal);
        Assert.Contains("1 of another shape: first.weight [9, 3] for [4, 3]", error.Message, StringComparison.Ordinal);
        Assert.Contains("1 of another kind: norm.num_batches_tracked F32 for Int64", error.Message, StringComparison.Ordinal);
        Assert.Equal(before, state["first.bias"].abs().sum().item<float>());
    }

    [Fact]
    public void LoadInto_converts_floats_of_another_width()
    {
        using var module = nn.Linear(2, 1);
        SafetensorsTensors.Save(FileName, [("weight", tensor(new[,] { { 0.5, 0.25 } })), ("bias", tensor(new[] { 2f }).to(ScalarType.BFloat16))]);
        SafetensorsTensors.LoadInto(module, FileName);
        Assert.Equal([0.5f, 0.25f], module.weight!.data<float>().ToArray());
        Assert.Equal(2f, module.bias!.item<float>());
    }

    [Fact]
    public void SaveModule_writes_a_tied_parameter_so_that_it_loads_again()
    {
        using Linear first = nn.Linear(3, 3), second = nn.Linear(3, 3);
        second.weight = first.weight;
        using Sequential tied = nn.Sequential(("first", first), ("second", second));
        SafetensorsTensors.SaveModule(tied, FileName);
        SafetensorsTensors.LoadInto(tied, FileName);
    }

    [Fact]
    public void Load_of_a_golden_file_agrees_with_its_spans()
    {
        string path = SharedData.Require("golden", "scan", "conv_L40_D6_W4_b1_silu_packed.safetensors");
        Kernels.SafetensorsFile file = Kernels.SafetensorsFile.Read(path);
        Dictionary<string, Tensor> tensors = SafetensorsTensors.Load(path);
        Assert.Equal(file["x"].Span<float>().ToArray(), tensors["x"].data<float>().ToArray());
        Assert.Equal(file["seq_idx"].Span<int>().ToArray(), tensors["seq_idx"].data<int>().ToArray());
    }

    [Fact]
    public void Save_of_complex_numbers_is_refused() =>
        Assert.Contains("view_as_real", Assert.Throws<ArgumentException>(() => SafetensorsTensors.Save(FileName, [("c", zeros(2, dtype: ScalarType.ComplexFloat32))])).Message, StringComparison.Ordinal);

    private static Sequential Model(int width) => nn.Sequential(("first", nn.Linear(3, width)), ("norm", nn.BatchNorm1d(width)));
}
