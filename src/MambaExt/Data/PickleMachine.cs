namespace MambaExt.Data;

/// <summary>The stack machine of a pickle. No opcode calls anything but the few functions of <see cref="PickleGlobals"/>.</summary>
internal sealed class PickleMachine(PickleInput input)
{
    private static readonly object Unset = new();

    private readonly PickleStack stack = new(input);
    private readonly List<object?> memo = [];
    private readonly PickleGlobals globals = new(input);

    public object? Run()
    {
        while (true)
        {
            byte opcode = input.Opcode();
            if (opcode == (byte)'.')
            {
                object? result = stack.Pop();
                globals.ThrowIfUnfilled();
                return input.Remaining == 0
                    ? result
                    : throw input.Bad($"{input.Remaining} bytes after the end of the pickle", "one pickle and nothing else");
            }

            if (!Literal(opcode) && !Container(opcode) && !Memory(opcode))
            {
                Object(opcode);
            }
        }
    }

    private bool Literal(byte opcode)
    {
        switch (opcode)
        {
            case (byte)'N': stack.Push(null); break;
            case 0x88: stack.Push(PickleValues.True); break;
            case 0x89: stack.Push(PickleValues.False); break;
            case (byte)'J': stack.Push((long)input.Int32(), 24); break;
            case (byte)'K': stack.Push((long)input.Byte(), 24); break;
            case (byte)'M': stack.Push((long)input.UInt16(), 24); break;
            case 0x8a: stack.Push(input.Integer(input.Byte()), 24); break;
            case 0x8b: stack.Push(input.Integer(input.UInt32()), 24); break;
            case (byte)'G': stack.Push(input.Float64(), 24); break;
            case (byte)'I':
                string digits = input.Line();
                stack.Push(digits switch { "00" => PickleValues.False, "01" => PickleValues.True, _ => input.DecimalLong(digits) }, 24);
                break;
            case (byte)'L': stack.Push(input.DecimalLong(input.Line().TrimEnd('L')), 24); break;
            case (byte)'F': stack.Push(input.DecimalDouble(input.Line()), 24); break;
            case (byte)'S':
                stack.Push(PickleText.TryUnquote(input.Line(), out string plain) ? plain : throw input.Bad("a string that is not quoted as Python 2 does", "a string literal"), 4 * plain.Length);
                break;
            case (byte)'V':
                stack.Push(PickleText.TryUnescape(input.Line(), out string text) ? text : throw input.Bad("a broken \\u escape", "\\uXXXX and \\UXXXXXXXX"), 4 * text.Length);
                break;
            case (byte)'T': stack.Push(input.Latin1(input.UInt32())); break;
            case (byte)'U': stack.Push(input.Latin1(input.Byte())); break;
            case (byte)'B': stack.Push(input.Bytes(input.UInt32())); break;
            case (byte)'C': stack.Push(input.Bytes(input.Byte())); break;
            case 0x8e: stack.Push(input.Bytes(input.UInt64())); break;
            case (byte)'X': stack.Push(input.Utf8(input.UInt32())); break;
            case 0x8c: stack.Push(input.Utf8(input.Byte())); break;
            case 0x8d: stack.Push(input.Utf8(input.UInt64())); break;
            default: return false;
        }

        return true;
    }

    private bool Container(byte opcode)
    {
        switch (opcode)
        {
            case (byte)'(': stack.Mark(); break;
            case (byte)')': stack.Push(Array.Empty<object?>()); break;
            case (byte)'t': stack.Push(stack.PopToMark()); break;
            case 0x85: stack.Push(stack.PopMany(1)); break;
            case 0x86: stack.Push(stack.PopMany(2)); break;
            case 0x87: stack.Push(stack.PopMany(3)); break;
            case (byte)']': stack.Push(new List<object?>(), 32); break;
            case (byte)'l': stack.Push(ListOf(stack.PopToMark())); break;
            case (byte)'}': stack.Push(PickleValues.NewDict(), 80); break;
            case (byte)'d': stack.Push(globals.Insert(PickleValues.NewDict(), stack.PopToMark()), 80); break;
            case 0x8f: stack.Push(PickleValues.NewSet(), 64); break;
            case 0x91: stack.Push(globals.Insert(PickleValues.NewSet(), stack.PopToMark()), 64); break;
            case (byte)'a': Append(stack.PopMany(1)); break;
            case (byte)'e': Append(stack.PopToMark()); break;
            case (byte)'s':
                object?[] pair = stack.PopMany(2);
                globals.Insert(Container<Dictionary<object, object?>>(), pair);
                break;
            case (byte)'u':
                object?[] pairs = stack.PopToMark();
                globals.Insert(Container<Dictionary<object, object?>>(), pairs);
                break;
            case 0x90:
                object?[] members = stack.PopToMark();
                globals.Insert(Container<HashSet<object>>(), members);
                break;
            default: return false;
        }

        return true;
    }

    private bool Memory(byte opcode)
    {
        switch (opcode)
        {
            case (byte)'p': Store(input.DecimalLong(input.Line())); break;
            case (byte)'q': Store(input.Byte()); break;
            case (byte)'r': Store(input.UInt32()); break;
            case 0x94: Store(memo.Count); break;
            case (byte)'g': Recall(input.DecimalLong(input.Line())); break;
            case (byte)'h': Recall(input.Byte()); break;
            case (byte)'j': Recall(input.UInt32()); break;
            case (byte)'0' when stack.MarkIsOnTop: stack.PopToMark(); break;
            case (byte)'0': stack.Pop(); break;
            case (byte)'1': stack.PopToMark(); break;
            case (byte)'2': stack.Push(stack.Peek()); break;
            default: return false;
        }

        return true;
    }

    private void Object(byte opcode)
    {
        switch (opcode)
        {
            case 0x80:
                byte protocol = input.Byte();
                if (protocol > 4)
                {
                    throw input.Bad($"pickle protocol {protocol}", "protocols 0 to 4", "write the file with protocol=4");
                }

                break;
            case 0x95:
                ulong frame = input.UInt64();
                if (frame > (ulong)input.Remaining)
                {
                    throw input.Bad($"a frame of {frame} bytes", $"the {input.Remaining} bytes that are left");
                }

                break;
            case (byte)'c':
                string module = input.Line();
                stack.Push(globals.Find(module, input.Line()));
                break;
            case 0x93:
                object?[] names = stack.PopMany(2);
                stack.Push(names is [string from, string name] ? globals.Find(from, name) : throw input.Bad("a global whose name is no text", "two texts"));
                break;
            case (byte)'R' or 0x81:
                object?[] call = stack.PopMany(2);
                stack.Push(call[1] is object?[] arguments ? globals.Call(call[0], arguments) : throw input.Bad("a call without a tuple of arguments", "a tuple"));
                break;
            case 0x92:
                object?[] full = stack.PopMany(3);
                stack.Push(full is [_, object?[] plain, Dictionary<object, object?> { Count: 0 }] ? globals.Call(full[0], plain) : throw input.Bad("a call with named arguments", "a tuple and an empty dict"));
                break;
            case (byte)'b':
                object? state = stack.Pop();
                globals.Build(stack.Peek(), state);
                break;
            default:
                throw input.Bad($"opcode 0x{opcode:X2}", "the opcodes of protocols 0 to 4 that plain data need", "save arrays with numpy.save or numpy.savez, or pickle plain data");
        }
    }

    private List<object?> ListOf(object?[] items)
    {
        input.Charge(32 + (8L * items.Length));
        return [.. items];
    }

    private void Append(object?[] items)
    {
        List<object?> list = Container<List<object?>>();
        input.Charge(16L * items.Length);
        list.AddRange(items);
    }

    /// <summary>The container on top of the stack, once the items it gets were taken off.</summary>
    private T Container<T>() where T : class =>
        stack.Peek() as T ?? throw input.Bad($"items put into a {stack.Peek()?.GetType().Name ?? "null"}", "lists, dicts and sets");

    private void Store(long index)
    {
        object? value = stack.Peek();

        // Python numbers its memo without gaps, so an index above the length of the pickle is none of its.
        if (index < 0 || index > input.Length)
        {
            throw input.Bad($"memo index {index}", $"0 to {input.Length}");
        }

        input.Charge(16L * Math.Max(0, index + 1 - memo.Count));
        while (memo.Count <= index)
        {
            memo.Add(Unset);
        }

        memo[(int)index] = value;
    }

    private void Recall(long index) => stack.Push(index >= 0 && index < memo.Count && memo[(int)index] != Unset
        ? memo[(int)index]
        : throw input.Bad($"memo index {index} before it is set", "indices that were set"));
}
